//! What the demo's stage writes into the journal for whoever explains it: what it broke, and what it put right. One place
//! for the words, as who writes them and who reads them must not know each other.

/// Every note of the stage begins so.
pub const BEGINS: &str = "demo: ";

/// Something that the stage saw or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Where this pool lives, and what that means.
    Place,
    /// A connection that held up the drain ended by itself.
    DownloadEnded,
    /// The new version begins to answer with errors.
    ErrorsBegin,
    /// What made the errors is put right.
    ErrorsEnd,
    /// Nobody retried the failed server for long, so the stage did.
    Helped,
}

impl Note {
    /// How the note begins in the journal.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Note::Place => "demo: the state is in a temporary directory, lost at a reboot.",
            Note::DownloadEnded => "demo: the long download that held up the drain has ended",
            Note::ErrorsBegin => "demo: the new version now fails three requests in a hundred, as a forgotten setting would",
            Note::ErrorsEnd => "demo: the setting is put right; the new version answers well again",
            Note::Helped => "demo: nobody pressed r for a while, so the demo retries it",
        }
    }

    /// Is that the text of this note?
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        text.starts_with(self.text())
    }
}
