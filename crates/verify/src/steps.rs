//! The numbered steps of `evidence-schema/verify.md`, in its order. Numbers are stable: a step that goes leaves a gap.

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal),* $(,)?) => {
        /// One step of `verify.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Check {
            $(
                #[doc = concat!("Step ", $number, ": ", $name, ".")]
                $variant
            ),*
        }

        impl Check {
            /// All steps, in the order of `verify.md`.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The step's number.
            pub fn number(self) -> &'static str {
                match self {
                    $(Self::$variant => $number),*
                }
            }

            /// The step's title.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }
        }
    };
}

checks! {
    Paths = "1.1" "paths and limits",
    Files = "1.2" "the files of a bundle and no others",
    BagDeclaration = "1.3" "bagit.txt",
    Manifest = "1.4" "payload manifest",
    PayloadDigests = "1.5" "payload digests",
    TagManifest = "1.6" "tag manifest",
    BagInfo = "1.7" "bag-info.txt",
    AnchorForm = "2.1" "form of the trust anchor",
    AnchorDigest = "2.2" "digest of the trust anchor",
    LeafForm = "3.1" "form of the leaves",
    LeafChain = "3.2" "numbers and chain of each key",
    LeafKey = "3.3" "delegation, revocation and role of each leaf's key",
    LeafSignature = "3.4" "signatures of the leaves",
    Window = "3.5" "validity windows",
    NoteCommitment = "4.1" "a note for each ctl leaf and no other",
    NoteForm = "4.2" "form of the control notes",
    NoteSignature = "4.3" "signatures of the control notes",
    Delegations = "4.4" "delegations",
    NoteReferences = "4.5" "what control notes refer to",
    CheckpointSignature = "5.1" "form and signature of the checkpoints",
    CheckpointRoot = "5.2" "roots of the checkpoints",
    Witnesses = "5.3" "witnesses",
    NewerCheckpoint = "5.4" "a checkpoint had from elsewhere",
    Covered = "6.1" "the last checkpoint covers every leaf",
    Close = "6.2" "complete or interim",
    Recipient = "7.1" "the recipient's parts",
    Owed = "7.2" "the openings that are owed and no others",
    Commitments = "7.3" "commitments of the openings",
    Erased = "7.4" "erased openings are absent",
    Withheld = "7.5" "withheld openings are absent",
    OpeningForm = "7.6" "form of the openings",
    OpeningNumber = "7.7" "kid and seq of the openings",
    OpeningPart = "7.8" "part of each opening",
    OpeningConsistency = "7.9" "consistency of the records",
    CommitBeforeOutcome = "7.10" "lists of candidates logged before the contacts",
    Transcripts = "8.1" "transcripts",
    Tables = "8.2" "attribution tables",
    TablesNamed = "8.3" "tables that the openings name",
    BlockDigests = "8.4" "block digests of the dossiers",
    IssueNote = "9.1" "the issue note",
    ReportsListed = "9.2" "the reports that the issue lists and no others",
    ReportForm = "9.3" "form and digest of the reports",
    Uin = "9.4" "unique identifiers",
    Evidence = "9.5" "entries that the reports rest on",
    Session = "9.6" "sessions derived again",
    SessionFigures = "9.7" "times and counts",
    Connection = "9.8" "address, port and connection",
    Mandates = "9.9" "mandates",
    Dossiers = "9.10" "dossiers, two approvals and files",
    ControlVisits = "9.11" "control visits",
    Attribution = "9.12" "attribution and recipient",
    Clock = "9.13" "clock error",
    Deadlines = "9.14" "issue date and deadlines",
    ReportedOnce = "9.15" "nothing reported twice",
    Words = "9.16" "people, rules and fixed sentences",
    ReportFolder = "9.17" "evidence.txt and notice.txt",
    ProcessReport = "10.1" "the process report",
}
