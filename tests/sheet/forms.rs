//! The forms: what they say, and that nothing in a title or an address is obeyed.

use gavel::auction::fees::TaxOn;
use gavel::sheet::{AddressBook, Sheet, papers};

use super::hall::{Plan, lot, person, text, worked};

const SALE_TITLE: &str = "<script>alert(1)</script> & \"Sons\"";
const TITLES: [&str; 4] = [
    "=HYPERLINK(\"http://evil.example\",\"click\")",
    "</td></table><img src=x onerror=alert(1)>",
    "-2+3, 'quoted', \"twice\"",
    "@SUM(A1:A9) Ölbild 東京",
];

/// A sale whose consignors mean no good.
fn hostile() -> Plan {
    let seller = "+49 \"><svg onload=alert(1)>";
    Plan {
        title: SALE_TITLE,
        lots: vec![
            lot("1", TITLES[0], person("carol"), 10),
            lot("2", TITLES[1], text(seller), 5),
            lot("3", TITLES[2], None, 20),
            lot("4", TITLES[3], None, 5),
        ],
        ..worked(TaxOn::Premium)
    }
}

/// What stands between `<` and `>`: text from outside cannot, or it is a tag.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn check_page(page: &str) {
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
                  style-src 'unsafe-inline'\">";
    assert!(page.contains(policy));
    for tag in tags(page) {
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        let strange = ["a", "base", "form", "iframe", "img", "link", "object", "script"];
        assert!(!strange.contains(&name.to_ascii_lowercase().as_str()), "<{tag}>");
        for attribute in ["src=", "href=", "style=", " on"] {
            assert!(!tag.contains(attribute), "<{tag}>");
        }
    }
    let (_, style) = page.split_once("<style>").expect("has a style");
    let (style, _) = style.split_once("</style>").expect("ends");
    for fetched in ["url(", "@import", "image"] {
        assert!(!style.contains(fetched), "{fetched}");
    }
    assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

#[test]
fn nothing_that_people_wrote_becomes_markup() {
    let sheet = hostile().hold().sheet();
    let page = sheet.page();
    check_page(&page);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Sons&quot;"));
    assert!(page.contains("&lt;/td&gt;&lt;/table&gt;&lt;img src=x onerror=alert(1)&gt;"));
    assert_eq!(page.matches("<svg").count(), 1, "the code of the root");
    assert!(page.contains("Ölbild 東京"));
}

#[test]
fn the_page_says_what_the_sheet_says() {
    let sheet = worked(TaxOn::Premium).hold().sheet();
    let page = sheet.page();
    check_page(&page);
    let facts = sheet.facts();
    for said in [
        "Autumn sale",
        "4.04 EUR",
        "9.82 EUR",
        "8.42 EUR",
        "75\u{a0}%",
        "the estate of a gentleman",
        &facts.ledger.root,
        &facts.keys.ca,
        &facts.catalogue,
        "<strong>Final</strong>",
        "too-low",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("Provisional"));
    assert!(!page.contains("\u{fffd}"));
}

#[test]
fn every_form_of_an_unfinished_sale_says_so() {
    let mut plan = worked(TaxOn::Premium);
    plan.until = 7_000;
    let sheet = plan.hold().sheet();
    assert!(sheet.page().contains("<strong>Provisional</strong>"));
    assert!(!sheet.page().contains("<strong>Final</strong>"));
    assert!(sheet.json().contains("\"final\": false"));
    for (_, csv) in csv_files(&sheet) {
        let rows = csv.lines().skip(1);
        rows.for_each(|row| assert!(row.starts_with("provisional,autumn,EUR,"), "{row}"));
    }
    for paper in papers(&sheet, &AddressBook::default()) {
        assert!(paper.html.contains("<strong>Provisional</strong>"), "{}", paper.file);
    }
}

fn csv_files(sheet: &Sheet) -> [(&'static str, String); 5] {
    [
        ("lots", sheet.lots_csv()),
        ("bids", sheet.bids_csv()),
        ("acts", sheet.acts_csv()),
        ("invoices", sheet.invoices_csv()),
        ("settlements", sheet.settlements_csv()),
    ]
}

#[test]
fn csv_is_read_back_cell_by_cell_and_no_cell_is_a_formula() {
    let sheet = hostile().hold().sheet();
    for (name, csv) in csv_files(&sheet) {
        assert!(csv.ends_with("\r\n") && !csv.replace("\r\n", "").contains(['\r', '\n']), "{name}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect(name);
        let cells = rows.iter().flatten();
        cells.for_each(|cell| assert!(!cell.starts_with(['=', '+', '-', '@']), "{name}: {cell}"));
    }
    let lots = sheet.lots_csv();
    let mut reader = csv::Reader::from_reader(lots.as_bytes());
    let titles: Vec<String> = reader
        .records()
        .map(|row| row.expect("a row").get(5).expect("a title").to_owned())
        .collect();
    let guarded = TITLES.map(|title| {
        if title.starts_with(['=', '+', '-', '@']) { format!("'{title}") } else { title.to_owned() }
    });
    assert_eq!(titles, guarded);
}

#[test]
fn amounts_and_times_stand_in_both_forms() {
    let sheet = worked(TaxOn::Premium).hold().sheet();
    let lots = sheet.lots_csv();
    let row = lots.lines().nth(2).expect("lot 2");
    assert!(
        row.starts_with("final,autumn,EUR,2,2,Quilt,carol,sold,bob,404,4.04,100,1.00,"),
        "{row}"
    );
    assert!(row.contains(",2027-01-15T08:00:06.100Z,1800000006100,"), "{row}");
    let bids = sheet.bids_csv();
    assert_eq!(bids.lines().count(), 1 + 6, "{bids}");
    assert!(bids.contains(",3,bob,300,3.00,signed,too-low,,,,"), "{bids}");
    let invoices = sheet.invoices_csv();
    assert!(invoices.contains(
        "final,autumn,EUR,2,alice,3,Clock,300,3.00,38,0.38,3,0.03,341,3.41,523,5.23\r\n"
    ));
    let settlements = sheet.settlements_csv();
    assert!(settlements.contains("EUR,1,carol,1,Vase,160,1.60,4,0.04,156,1.56,550,5.50\r\n"));
}

const REGISTER: &str = "name,full_name,address,email,vat_id,account\r\n\
    (house),Meridian Auctions Ltd,\"1 Hall Street\r\nHarwich\",,GB1,House Bank 77\r\n\
    alice,Alice <b>Archer</b>,\"12 Mill Lane\r\n<script>x</script>\",alice@example.org,VAT-A,\r\n\
    carol,Carol Carter,5 Quay,,,Carol Bank 99\r\n";

#[test]
fn names_and_addresses_stand_in_private_papers_alone() {
    let sheet = worked(TaxOn::Premium).hold().sheet();
    let register = AddressBook::read(REGISTER.as_bytes()).expect("is a register");
    let papers = papers(&sheet, &register);
    let files: Vec<&str> = papers.iter().map(|paper| paper.file.as_str()).collect();
    assert_eq!(
        files,
        [
            "invoice-001-bob.html",
            "invoice-002-alice.html",
            "invoices.html",
            "settlement-001-carol.html",
            "settlement-002.html",
            "settlements.html",
        ]
    );
    papers.iter().for_each(|paper| check_page(&paper.html));
    let [bob, alice, all, carol, ..] = papers.as_slice() else { panic!("six papers") };
    for said in
        ["Alice &lt;b&gt;Archer", "12 Mill Lane\n&lt;script", "VAT-A", "House Bank 77", "5.23 EUR"]
    {
        assert!(alice.html.contains(said), "{said}");
        assert!(all.html.contains(said), "{said}");
        assert!(said == "House Bank 77" || !bob.html.contains(said), "{said} in Bob's invoice");
    }
    assert!(bob.html.contains("<strong>bob</strong>"), "who is in no register keeps the name");
    assert!(carol.html.contains("Carol Bank 99") && carol.html.contains("5.50 EUR"));
    assert!(carol.html.contains("unsold/no-bids"));
    let mut public = vec![sheet.json(), sheet.page()];
    public.extend(csv_files(&sheet).map(|(_, csv)| csv));
    for text in public {
        for private in ["Archer", "Mill Lane", "example.org", "VAT-A", "Bank", "Harwich", "Carter"]
        {
            assert!(!text.contains(private), "{private} is published");
        }
    }
}
