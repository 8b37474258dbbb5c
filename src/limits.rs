//! Every maximum in one place, each with its reason.
//!
//! Over a limit is a refusal, never growth. Sizes are in bytes, spans in
//! [`Span`] or the unit that ends the name.

use crate::time::Span;

// ---- Numbers and texts of the ledger (LEDGER 1) ----

/// The greatest integer in the ledger: every JSON reader keeps it exactly (RFC 8785, 3.2.2.3).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// The longest ledger line without its LF: bounds what an auditor buffers.
pub const LINE_BYTES_MAX: usize = 16 * 1024;
/// The longest string in the ledger that is not one of the long kinds.
pub const STRING_BYTES_MAX: usize = 1024;
/// The longest note (checkpoint with cosignatures) in the ledger.
pub const NOTE_BYTES_MAX: usize = 4 * 1024;
/// The longest certificate in base64: two of them, with signatures, fit a line.
pub const CERT_BASE64_BYTES_MAX: usize = 6 * 1024;
/// The most signature lines of a note: the house and many witnesses (signed-note asks for at least 16).
pub const NOTE_SIGNATURES_MAX: usize = 64;
/// The longest verifier key: one of ML-DSA-44 in base64, and a long name.
pub const VKEY_BYTES_MAX: usize = 4 * 1024;
/// The largest file of a witness policy: a hundred keys of the longest kind with their comments.
pub const POLICY_FILE_BYTES_MAX: u64 = 512 * 1024;
/// The most witnesses and groups of a policy, and the most logs (tlog-policy asks for 32 of each).
pub const POLICY_NAMES_MAX: usize = 256;
/// How many checkpoints over lines that are still to come a client keeps: each is some hundred
/// bytes, and an honest house has a few under way.
pub const PROMISED_HEADS_MAX: usize = 1_024;
/// The most hashes of an inclusion proof: the depth of a tree of 2^53 lines and some.
pub const PROOF_HASHES_MAX: usize = 64;
/// The longest `extra` of a receipt: a line with every byte escaped, a certificate, their keys.
pub const RECEIPT_EXTRA_BYTES_MAX: usize = 2 * LINE_BYTES_MAX + CERT_BASE64_BYTES_MAX + 64;
/// How deep a ledger line may nest.
pub const DEPTH_MAX: usize = 8;
/// The most lots in a sale: their state is the auditor's memory.
pub const LOTS_MAX: usize = 100_000;
/// How many bids of a lot that stand on each other are kept for voids, so that an auditor's memory
/// does not grow with the ledger: no void brings back an older one.
pub const STANDING_BIDS_MAX: usize = 64;
/// The most reserves that a lot may have one after the other: their openings fit one line.
pub const RESERVES_PER_LOT_MAX: usize = 32;
/// The most rows of an increment table: it must fit its `lot` line.
pub const INCREMENT_ROWS_MAX: usize = 64;

// ---- Names (DESIGN 2, RULES 3) ----

/// The longest name of a person: it fits a certificate's CN and a table's column.
pub const NAME_BYTES_MAX: usize = 32;
/// The longest lot id.
pub const LOT_ID_BYTES_MAX: usize = 16;
/// The longest house name or sale id.
pub const SALE_ID_BYTES_MAX: usize = 64;
/// The longest title of a sale or lot.
pub const TITLE_BYTES_MAX: usize = 200;

// ---- The roster (LEDGER 3) ----

/// How many seal lines back a bid's head may lie: bounds the window that server and auditor hold.
pub const HEAD_WINDOW: usize = 65_536;
/// How many bid keys one name may enrol in a sale: phones and laptops, not key mills.
pub const BID_KEYS_PER_NAME_MAX: usize = 16;
/// How many refused bids of one bidder are recorded whole in a minute; more are counted.
pub const REFUSALS_PER_MINUTE_MAX: u64 = 60;
/// How many bytes of refused bids a sale records whole, unless its terms say otherwise.
pub const REFUSAL_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How many keys one summary `refusal` line names, so that it fits a line.
pub const COUNTED_KEYS_PER_LINE_MAX: usize = 128;

// ---- Time (RULES 1, 8) ----

/// Idle time after which a `tick` is entered while a lot is open.
pub const TICK_AFTER: Span = Span::from_s(10);
/// How far wall clock and official time may part before a `clock` entry.
pub const CLOCK_DRIFT_MAX: Span = Span::from_ms(250);
/// How long a host must have been suspended to count as away: less is nobody's loss.
pub const SUSPENSION_MIN: Span = Span::from_s(1);
/// The least time an open lot keeps after an outage.
pub const RESTART_GRACE: Span = Span::from_s(60);
/// The longest timer of a lot (a year): catches milliseconds written as seconds.
pub const LOT_DURATION_MAX: Span = Span::from_s(366 * 24 * 3600);

// ---- The sale file (RULES 3, 6) ----

/// Window and extension of a soft close where the sale file gives none.
pub const SOFT_CLOSE: Span = Span::from_s(120);
/// The longest grace after an outage (a day): catches milliseconds written as microseconds.
pub const RESTART_GRACE_MAX: Span = Span::from_s(24 * 3600);
/// The earliest time in a sale file, the year 2000 in Unix milliseconds: catches two-digit years.
pub const SALE_TIME_MIN_MS: u64 = 946_684_800_000;
/// The time that none in a sale file reaches, the year 2100: catches a slip in the year.
pub const SALE_TIME_END_MS: u64 = 4_102_444_800_000;
/// The most keys of an object in a sale file that is no list of lots: all there are, and room.
pub const SALE_FILE_KEYS_MAX: usize = 64;

// ---- Rehearsals ----

/// The most bytes of a scenario: a catalogue and a script that somebody wrote by hand.
pub const SCENARIO_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most steps of a scenario: each is signed, synced and answered by itself.
pub const SCENARIO_STEPS_MAX: usize = 10_000;
/// The longest time that a rehearsal plays (a month): a tick every ten seconds while a lot is
/// open makes 270,000 entries of it.
pub const REHEARSAL_SPAN_MAX: Span = Span::from_s(31 * 24 * 3600);

// ---- Frames and files ----

/// The most lines in a frame: bounds one write and one fan-out buffer.
pub const FRAME_LINES_MAX: usize = 1024;
/// The most certificate bytes taken from one PEM or DER file.
pub const CREDENTIAL_FILE_BYTES_MAX: u64 = 64 * 1024;
/// The most bytes of a passphrase's file: a line, and room for a note below it.
pub const PASSPHRASE_FILE_BYTES_MAX: u64 = 4 * 1024;
/// The most bytes of a receipt file: its extra line, 64 hashes and a note.
pub const RECEIPT_FILE_BYTES_MAX: u64 = 96 * 1024;
/// The most bytes of a file of evidence: two lines with every byte escaped, two certificates, two
/// notes and the proofs.
pub const EVIDENCE_FILE_BYTES_MAX: u64 = 128 * 1024;
/// The most bytes of a bid or act as its signer keeps it: no longer than a line that holds it.
pub const SIGNED_FILE_BYTES_MAX: u64 = 16 * 1024;
/// The most bytes of a CRL file.
pub const CRL_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most bytes of a CA's register: about 150,000 certificates.
pub const REGISTER_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most bytes of a list of people: 400 for each of its rows, with columns that gavel ignores.
pub const PEOPLE_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most rows of a list of people: a hall of them, about as many as a server takes at once.
pub const PEOPLE_ROWS_MAX: usize = 10_000;
/// The most bytes of a batch that waits for its files: credentials for every row of a list.
pub const BATCH_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many files of a batch are synced at once: a disk that is asked for more is no faster.
pub const SYNCS_AT_ONCE: usize = 8;
/// The most bytes of a sale file.
pub const SALE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes of a sale's private file: an opening for each lot and each lowered reserve.
pub const PRIVATE_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often the anchor is replaced while a sale runs.
pub const ANCHOR_EVERY: Span = Span::from_s(1);

/// How long the second disk may take over one frame before it is given up: bidders wait for it.
pub const COPY_TIMEOUT: Span = Span::from_s(5);
/// How often the console says again that the copy is lost.
pub const COPY_LOST_EVERY: Span = Span::from_s(60);

/// The room that a sale should find where its ledger is: half a million bids with their seals,
/// at two KiB each.
pub const SALE_ROOM_BYTES: u64 = 1024 * 1024 * 1024;
/// The room without which none should begin: a long catalogue, the refusals that are recorded
/// whole, and the bids of an hour.
pub const SALE_ROOM_MIN_BYTES: u64 = 64 * 1024 * 1024;
/// The earliest time that a clock can rightly say, the year 2026: before it this program was not
/// there, and a machine whose battery is empty begins in 1970.
pub const CLOCK_MIN_MS: u64 = 1_767_225_600_000;

// ---- The server's door (DESIGN 3) ----

/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Span = Span::from_s(5);
/// By how much less some handshakes have: thousands that came together and say nothing must not be
/// cut in one moment, while bids wait.
pub const HANDSHAKE_STAGGER: Span = Span::from_s(1);
/// How long a connection may say nothing before it is asked to leave.
pub const IDLE_TIMEOUT: Span = Span::from_s(30 * 60);
/// How long one write to a peer may take before the peer is dropped as stuck.
pub const WRITE_TIMEOUT: Span = Span::from_s(10);
/// How long what was sent to a peer may stay unacknowledged by its system: nobody says goodbye for
/// a telephone without network, and each of its connections holds one of its name's places.
pub const UNACKNOWLEDGED_TIMEOUT: Span = Span::from_s(30);
/// How long a revoked or expired peer may still be told so before it is cut.
pub const CUT_GRACE: Span = Span::from_ms(500);
/// How long sessions may take to part when the server stops.
pub const STOP_TIMEOUT: Span = Span::from_s(12);
/// How many connections may wait to be accepted: a hall that comes in at once.
pub const BACKLOG_MAX: u32 = 4_096;
/// How much the system holds of what was written to a peer and not taken.
pub const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// How long the door waits after a connection that could not be accepted.
pub const ACCEPT_PAUSE: Span = Span::from_ms(100);
/// The most connections at once.
pub const CONNECTIONS_MAX: usize = 12_000;
/// How many file descriptors connections leave free: the anchor is replaced every second by a
/// new file, and a disk that cannot be written ends the sale.
pub const FILES_RESERVED: usize = 64;
/// The most connections under one name: a phone, a laptop, some tabs, some reconnects.
pub const CONNECTIONS_PER_NAME_MAX: usize = 16;
/// The most connections from one address that have not finished their handshake: a full hall
/// behind one address may come back at the same moment.
pub const UNAUTHENTICATED_PER_ADDRESS_MAX: usize = 1_024;
/// The most connections that have not finished their handshake, from all addresses.
pub const UNAUTHENTICATED_MAX: usize = 4_096;
/// The longest request line of `gavel/1`, with its LF.
pub const REQUEST_LINE_BYTES_MAX: usize = 16 * 1024;
/// The longest text command, with its line end.
pub const TEXT_LINE_BYTES_MAX: usize = 512;
/// The most requests of one connection that wait for an answer; more wait in the socket.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 64;
/// The most inputs that wait for the floor; more are answered `busy`.
pub const ARRIVALS_MAX: usize = 16 * 1024;
/// The most of them under one name: a few certificate holders who act together must not keep
/// everybody else on `busy`. Four connections' worth of requests in flight.
pub const ARRIVALS_PER_NAME_MAX: usize = 4 * REQUESTS_IN_FLIGHT_MAX;
/// How long the next frame gathers at the most while many are told of the last: below what people
/// notice, and long enough for some thousand.
pub const TELLING_WAIT_MAX: Span = Span::from_ms(25);
/// How many frames a reader may fall behind before it gets a snapshot instead.
pub const FRAMES_BEHIND_MAX: usize = 1024;
/// How many bytes of frames are kept for readers that fall behind: it bounds the server's memory.
pub const FRAME_BYTES_BEHIND_MAX: usize = 64 * 1024 * 1024;
/// How long a reader must have kept up after a snapshot before it may have another.
pub const SNAPSHOT_APART: Span = Span::from_s(10);
/// The most lots in one answer to `list`: it fits a server's line.
pub const LIST_LOTS_MAX: usize = 1_000;
/// How many bad lines in a row end a connection.
pub const BAD_LINES_MAX: u32 = 20;
/// How long a connection ended for its lines is still emptied, so that its peer reads why.
pub const LINGER: Span = Span::from_s(1);
/// How many requests one connection may send in a second, on average.
pub const REQUESTS_PER_SECOND_MAX: u64 = 2_000;
/// The most bytes of certificates a peer may present.
pub const PEER_CHAIN_BYTES_MAX: usize = 16 * 1024;
/// How often official time is compared with the wall clock.
pub const CLOCK_LOOK_EVERY: Span = Span::from_s(1);
/// How often the console tells throughput and latency while there is any.
pub const METRICS_EVERY: Span = Span::from_s(5);
/// The most lines that wait for a console that stands still; more are lost, and nobody waits.
pub const CONSOLE_LINES_MAX: usize = 4 * 1024;
/// How long the end of a command waits for the console.
pub const CONSOLE_FLUSH_TIMEOUT: Span = Span::from_s(1);
/// How often the CRL file is looked at.
pub const CRL_POLL: Span = Span::from_ms(250);

// ---- The sale's witnesses ----

/// The most witnesses that a sale asks: all their lines fit a note with the house's own, and their
/// connections fit what is left free of file descriptors.
pub const WITNESSES_MAX: usize = 16;
/// The longest name of one of them, for the same reason.
pub const WITNESS_NAME_BYTES_MAX: usize = 100;
/// The longest address of a witness: as browsers and proxies take it.
pub const WITNESS_URL_BYTES_MAX: usize = 2 * 1024;
/// How long one request to a witness may take, its connection included.
pub const WITNESS_TIMEOUT: Span = Span::from_s(10);
/// How long reaching a witness may take, of that.
pub const WITNESS_CONNECT_TIMEOUT: Span = Span::from_s(5);
/// How long a start waits for what the witnesses show: the sale does not depend on them.
pub const WITNESS_LOOK_TIMEOUT: Span = Span::from_s(4);
/// The wait after a witness's first failure; it doubles from there.
pub const WITNESS_RETRY_MIN: Span = Span::from_s(1);
/// The longest wait between two attempts: a witness that is started late joins by then.
pub const WITNESS_RETRY_MAX: Span = Span::from_s(30);
/// How often in a row a witness may name another size than we took it to know.
pub const WITNESS_SIZES_IN_A_ROW_MAX: u32 = 3;
/// The most bytes of an answer's head that are taken.
pub const WITNESS_HEAD_BYTES_MAX: usize = 16 * 1024;
/// The most characters of what a witness or its connection says of a failure that are shown.
pub const WITNESS_REASON_CHARS_MAX: usize = 160;
/// How often a round of cosignatures begins, and how often their newest checkpoint is told.
pub const COSIGN_EVERY: Span = Span::from_s(1);
/// How long a cosignature waits for those of the other witnesses before it is told.
pub const COSIGN_GATHER: Span = Span::from_ms(250);
/// How long a close or a stop waits for the cosignatures of the last checkpoint.
pub const LAST_COSIGN_TIMEOUT: Span = Span::from_s(5);
/// How often a witness may fail at that before nobody waits for it any more.
pub const LAST_COSIGN_TRIES_MAX: u32 = 2;

// ---- A witness ----

/// The most hashes of the consistency proof in a request for a cosignature (tlog-witness,
/// "add-checkpoint").
pub const REQUEST_PROOF_HASHES_MAX: usize = 63;
/// The longest request for a cosignature: the proof, and a checkpoint with 16 signatures of nearly
/// 5,000 bytes each, which every reader of notes must take (signed-note, "Format").
pub const WITNESS_REQUEST_BYTES_MAX: usize = 128 * 1024;
/// The longest answer to one: cosignatures by as many keys as a note may have, of the longest kind.
pub const WITNESS_ANSWER_BYTES_MAX: usize = 128 * 1024;
/// The longest text of a checkpoint that a witness cosigns: an origin and a few extension lines,
/// which logs should not have at all (tlog-checkpoint, "Note text"). It is kept for ever.
pub const COSIGNED_TEXT_BYTES_MAX: usize = 4 * 1024;
/// The most bytes of a list of logs: 256 keys with their comments.
pub const LOGS_FILE_BYTES_MAX: u64 = POLICY_FILE_BYTES_MAX;
/// The most logs that one witness has ever cosigned: their state is one file, written for each
/// cosignature, and none is forgotten. Enough for two sales a week in twenty years.
pub const COSIGNED_LOGS_MAX: usize = 2_048;
/// The most bytes of a witness's state: that of the most logs with the longest texts and names.
pub const WITNESS_STATE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most bytes of a witness's key file: a line, and the comment above it.
pub const WITNESS_KEY_BYTES_MAX: u64 = 16 * 1024;
/// How many requests of one kind are kept as evidence against one log: one convicts it.
pub const EVIDENCE_FILES_MAX: usize = 8;
/// The most connections to a witness at once: each log needs one, and monitors come and go.
pub const WITNESS_CONNECTIONS_MAX: usize = 256;
/// How long the head of a request may take to come, counted from the end of the one before: a log
/// asks again every few seconds and keeps its connection.
pub const WITNESS_HEAD_TIMEOUT: Span = Span::from_s(30);
/// How long the body of a request may take to come.
pub const WITNESS_BODY_TIMEOUT: Span = Span::from_s(10);
/// How long an answer may stay untaken before its connection is cut.
pub const WITNESS_WRITE_TIMEOUT: Span = Span::from_s(10);
/// How long one connection is kept, so that slow ones do not hold all places for ever.
pub const WITNESS_CONNECTION_SPAN_MAX: Span = Span::from_s(3_600);
/// The most bytes of a request's head, and of what is buffered of its body.
pub const WITNESS_BUFFER_BYTES_MAX: usize = 16 * 1024;
/// The most header lines of a request to a witness: proxies add some.
pub const WITNESS_HEADERS_MAX: usize = 64;
/// How long a witness that is stopped waits for the answers that it owes.
pub const WITNESS_STOP_TIMEOUT: Span = Span::from_s(5);

// ---- Audits ----

/// How many findings of one kind an audit lists; more are counted, so that a bad ledger
/// can neither fill a memory nor bury one kind under another.
pub const FINDINGS_OF_A_KIND_MAX: usize = 25;

/// How many lines the auditor works on at once, on all cores: some 40 ms of signatures, so that
/// handing them out costs nothing. Two such batches are in memory.
pub const AUDIT_BATCH_LINES: usize = 1024;
/// How many bytes make such a batch full before: lines of usual length do not, so that only who
/// pads them gets smaller batches.
pub const AUDIT_BATCH_BYTES: usize = 1 << 20;
/// How many bid keys the auditor keeps ready for the next signature, at 224 bytes each. Those of
/// more people are read anew for each signature, a tenth of its cost.
pub const READY_KEYS_MAX: usize = 16 * 1024;

// ---- Results ----

/// How many bids a sheet lists: they are in memory several times while sheets are compared.
pub const ANNEX_BIDS_MAX: usize = 100_000;
/// How many clock entries a sheet lists: one a second for an hour of a clock gone mad.
pub const ANNEX_CLOCKS_MAX: usize = 3_600;
/// The most bytes of a sheet in JSON: that of the most lots and bids that one lists, with room.
pub const SHEET_FILE_BYTES_MAX: u64 = 384 * 1024 * 1024;
/// How many differences between a sheet and a ledger are listed; more are counted.
pub const SHEET_DIFFERENCES_MAX: usize = FINDINGS_OF_A_KIND_MAX;
/// The most bytes of the house's register of names and addresses: about 100,000 people.
pub const NAMES_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes of one cell of it: an address of many lines.
pub const NAMES_CELL_BYTES_MAX: usize = 1024;
/// How many bids a printable page lists: a thousand printed pages are nobody's sheet. All of
/// them stand in the JSON and the CSV.
pub const PAGE_BIDS_MAX: usize = 5_000;

// ---- Clients ----

/// The longest line a client takes from a server: a `lines` message of a full frame fits.
pub const SERVER_LINE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long reaching a server may take, and again its handshake and greeting.
pub const CONNECT_TIMEOUT: Span = Span::from_s(10);
/// How long a server may be silent before it is asked for a sign of life: two ticks.
pub const QUIET_MAX: Span = Span::from_s(20);
/// The first wait before an attempt to connect again; it doubles from there.
pub const RECONNECT_WAIT_MIN: Span = Span::from_ms(250);
/// The longest wait between two attempts to connect again.
pub const RECONNECT_WAIT_MAX: Span = Span::from_s(15);
/// How many live lines a client holds back while it catches up; more it asks for again.
pub const EARLY_LINES_MAX: usize = 64 * 1024;
/// How many bytes of them: of the longest lines, so many would fill a gigabyte.
pub const EARLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many of the newest heads a client keeps, to hold receipts and cosigned checkpoints against
/// them: a minute of a thousand frames a second, in three megabytes.
pub const RECENT_HEADS_MAX: usize = 65_536;
/// How often a client that only follows puts its newest head on disk.
pub const REMEMBER_EVERY: Span = Span::from_s(1);
/// How long a client waits at a sale's end for its last cosigned checkpoint: as long as the server
/// asks for it, and a moment.
pub const COSIGNED_PATIENCE: Span = Span::from_s(7);
/// How often a bid that was answered `busy` is sent again before its outcome stays open.
pub const BUSY_RETRIES_MAX: u32 = 8;
/// The wait before a bid that was answered `busy` is sent again.
pub const BUSY_WAIT: Span = Span::from_ms(200);
/// How many bids in a row a maximum signs anew after refusals that say nothing about the lot:
/// whatever is wrong then does not pass by itself.
pub const BIDS_ANEW_MAX: u32 = 8;
/// How long a command waits for the outcome of a bid before it says that it is open.
pub const OUTCOME_PATIENCE: Span = Span::from_s(30);
/// How many typed or piped commands wait for the one before them.
pub const TYPED_LINES_MAX: usize = 64;
/// The longest line that is typed at a panel: a longer one would be refused as a command.
pub const TYPED_LINE_CHARS_MAX: usize = 500;
/// How many typed lines a panel remembers.
pub const TYPED_HISTORY_MAX: usize = 200;
/// How long a bid must have been on the screen before a hammer at the prompt can mean it: nobody
/// reads faster, and who has not seen a bid must not sell at it.
pub const SEEN_AFTER: Span = Span::from_ms(500);
/// The most characters of a server's message that are shown.
pub const SERVER_MESSAGE_CHARS_MAX: usize = 400;
/// A bid over this many times the ask needs a confirmation: a slip of the finger is the commonest plea.
pub const CONFIRM_ABOVE_ASKS: u64 = 10;

// ---- The load test ----

/// The most handshakes at once: a server allows 256 unauthenticated connections from one address.
pub const LOAD_HANDSHAKES_MAX: usize = 64;
/// How long the load test's server may take until it listens.
pub const LOAD_START_TIMEOUT: Span = Span::from_s(20);
/// How long the load test's server may take to stop.
pub const LOAD_STOP_TIMEOUT: Span = Span::from_s(30);
/// How long the load test's server may take to close the sale after its last lot.
pub const LOAD_CLOSE_TIMEOUT: Span = Span::from_s(60);
/// How long the measurement of one of the machine's limits may take, when one side of it stands still.
pub const LOAD_LIMIT_TIMEOUT: Span = Span::from_s(60);

// ---- The page on loopback ----

/// The most connections of browsers at once: each tab opens up to six, and a second browser for a
/// projector may be there.
pub const WEB_CONNECTIONS_MAX: usize = 64;
/// The most pages that are told of the sale at once.
pub const WEB_PAGES_MAX: usize = 16;
/// How long the head of a browser's request may take.
pub const WEB_HEAD_TIMEOUT: Span = Span::from_s(10);
/// The most bytes of such a head: other programs on loopback share a browser's cookies.
pub const WEB_HEAD_BYTES_MAX: usize = 32 * 1024;
/// The most header lines of a browser's request.
pub const WEB_HEADERS_MAX: usize = 64;
/// The longest message of a page: an act with a reason.
pub const WEB_MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// The longest id that a page gives to what it asks.
pub const WEB_ID_BYTES_MAX: usize = 64;
/// How many bytes of a page whose socket has ended are still taken, so that it reads why.
pub const LINGER_BYTES_MAX: u64 = 64 * 1024;
/// How many messages may wait for a page; one that takes them more slowly connects again.
pub const WEB_TOLD_WAITING_MAX: usize = 1_024;
/// How many requests of pages wait for the session.
pub const WEB_ASKED_WAITING_MAX: usize = 64;
/// How long one message may take to a page.
pub const WEB_WRITE_TIMEOUT: Span = Span::from_s(10);
/// How long a page may say nothing: it asks for the time every few seconds.
pub const WEB_SILENCE_MAX: Span = Span::from_s(90);
/// How old a bid may be when the session comes to it: what was pressed on another screen than the
/// one that is there now must not be signed.
pub const WEB_ORDER_AGE_MAX: Span = Span::from_s(3);
/// How long a bid far over the ask waits for its yes.
pub const WEB_HELD_MAX: Span = Span::from_s(60);
/// How many of one's own bids and acts are shown, the newest: all of them stand in the ledger.
pub const WEB_OWN_MAX: usize = 500;
/// How many steps of a lot's price are drawn, the newest.
pub const WEB_STEPS_MAX: usize = 200;
/// How many pieces of news a page that comes later still hears.
pub const WEB_NEWS_MAX: usize = 50;
/// How many alarms a page that comes later still hears, the newest.
pub const WEB_ALARMS_MAX: usize = 20;
/// How many lots are in one message to a page.
pub const WEB_LOTS_IN_A_MESSAGE: usize = 500;
/// How often a page is told how far the ledger was checked.
pub const WEB_LEDGER_EVERY: Span = Span::from_s(1);
