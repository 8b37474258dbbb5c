//! A QR code (ISO/IEC 18004) as inline SVG.

use qrcode::{Color, EcLevel, QrCode};

use super::Html;

/// The white margin that the standard asks for, in modules.
const QUIET_ZONE: usize = 4;

/// The code of a text; nothing for a text that is too long for one.
pub(super) fn code(text: &str, label: &'static str) -> Html {
    let mut html = Html::default();
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return html };
    let width = code.width();
    let side = (width + 2 * QUIET_ZONE).to_string();
    html.mark("<svg class=\"qr\" role=\"img\" aria-label=\"").text(label);
    html.mark("\" viewBox=\"0 0 ").text(&side).mark(" ").text(&side);
    html.mark("\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h");
    html.text(&side).mark("v").text(&side).mark("H0z\"/><path d=\"");
    for (place, module) in code.to_colors().into_iter().enumerate() {
        if module == Color::Dark {
            let (x, y) = (place % width + QUIET_ZONE, place / width + QUIET_ZONE);
            html.text(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    html.mark("\"/></svg>");
    html
}
