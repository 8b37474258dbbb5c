//! What everybody hears: one immutable buffer for each frame, shared by all.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast;

use crate::auction::event::{Event, Happening};
use crate::auction::name::LotId;
use crate::auction::sale::Sale;
use crate::limits::FRAMES_BEHIND_MAX;
use crate::wire::lot::LotView;

/// One frame as it goes out.
#[derive(Debug)]
pub(super) struct Told {
    /// The index of its first line.
    pub(super) from: u64,
    /// How many lines the ledger has with it.
    pub(super) size: u64,
    /// The `lines` message of `gavel/1`, with its LF.
    pub(super) lines: Arc<[u8]>,
    /// What text connections hear; may be empty.
    pub(super) text: Arc<[u8]>,
    /// Whether the sale has closed with it, and is sealed.
    pub(super) finished: bool,
}

/// The sending end, owned by the floor.
#[derive(Clone, Debug)]
pub(super) struct Fanout(broadcast::Sender<Arc<Told>>);

impl Fanout {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(FRAMES_BEHIND_MAX))
    }

    /// Tells everybody who listens; that nobody does is no fault.
    pub(super) fn tell(&self, told: Told) {
        let _ = self.0.send(Arc::new(told));
    }

    /// Listens to every frame from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Told>> {
        self.0.subscribe()
    }
}

/// The lots as they stand on the disk, for whoever asks: the floor writes, sessions read.
#[derive(Debug)]
pub(super) struct Board {
    places: HashMap<LotId, usize>,
    lots: RwLock<Vec<LotView>>,
}

impl Board {
    pub(super) fn new(sale: &Sale) -> Self {
        let lots: Vec<LotView> = sale.lots().map(LotView::of).collect();
        let places = lots.iter().enumerate().map(|(at, view)| (view.lot.clone(), at)).collect();
        Self { places, lots: RwLock::new(lots) }
    }

    /// All lots, in catalogue order.
    pub(super) fn lots(&self) -> Vec<LotView> {
        self.lots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One lot.
    pub(super) fn lot(&self, id: &LotId) -> Option<LotView> {
        let at = *self.places.get(id)?;
        self.lots.read().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
    }

    /// Shows what `events`, now on the disk, have changed in `sale`.
    pub(super) fn show(&self, sale: &Sale, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let mut lots = self.lots.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            match &event.what {
                Happening::BidAccepted { bid, .. } => self.refresh(&mut lots, sale, &bid.lot),
                Happening::LotOpened { lot, .. } | Happening::LotClosed { lot, .. } => {
                    self.refresh(&mut lots, sale, lot);
                }
                Happening::OutageEnded { .. } => *lots = sale.lots().map(LotView::of).collect(),
                Happening::ClockNoted { .. } | Happening::SaleClosed(_) | Happening::Ticked => {}
            }
        }
    }

    fn refresh(&self, lots: &mut [LotView], sale: &Sale, id: &LotId) {
        if let (Some(at), Some(lot)) = (self.places.get(id), sale.lot(id)) {
            lots[*at] = LotView::of(lot);
        }
    }
}
