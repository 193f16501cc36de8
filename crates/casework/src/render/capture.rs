//! A transcript as a capture that network analysers read (pcapng), for eyes that know them.
//!
//! The bytes, their order and their times are the transcript's. The framing is not: a monitor works on streams and sees
//! no packets, so IP and TCP (or UDP and µTP, BEP 29) headers are made here, and the capture says so in its section's
//! comment. Bytes that the transcript does not hold are left out as a short snapshot leaves them out: the packet says
//! its true length, and a comment gives the SHA-256 of the rest.

mod framing;
mod records;

use std::borrow::Cow;
use std::time::Duration;

use etherparse::err::packet::BuildWriteError;
use evidence::{Digest, Direction, Observation, Stamp, Utc, sha256};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};

use framing::Framing;
pub use records::{NotATranscript, Record, Said, records};

/// Longest payload of one packet: what is longer goes in several, as IP has it.
const SEGMENT_BYTES: usize = 32 << 10;

/// Why there is no capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureFault {
    /// The bytes are not a transcript.
    #[error("the transcript is refused: {0}")]
    Transcript(#[from] NotATranscript),
    /// The transcript belongs to another observation.
    #[error("the transcript's SHA-256 is {found}, and the observation names {named}")]
    Another {
        /// What the bytes have.
        found: Digest,
        /// What the observation says.
        named: String,
    },
    /// The observation's ends are of two address families.
    #[error("the observation's two ends are not of one address family")]
    Families,
    /// The capture could not be written.
    #[error("the capture could not be written: {0}")]
    Writing(String),
}

/// The capture of an observation's transcript. The same input gives the same bytes.
///
/// # Errors
/// If the transcript is not the observation's, or is none.
pub fn capture(observation: &Observation, transcript: &[u8]) -> Result<Vec<u8>, CaptureFault> {
    let found = sha256(transcript);
    if observation.transcript_sha256 != Some(found) {
        let named = observation.transcript_sha256.map_or("none".into(), |digest| digest.to_string());
        return Err(CaptureFault::Another { found, named });
    }
    let records = records(transcript)?;
    let mut framing = Framing::new(observation).ok_or(CaptureFault::Families)?;
    let mut writer = Writer::new(observation, found, &records)?;
    let began = observation.times.began;
    let established = moment(began, observation.times.connected.unwrap_or(began).mono_us);
    for packet in framing.opening().map_err(unframed)? {
        writer.packet(began.utc, established, &packet, packet.len(), "the transport was established by this moment")?;
    }
    for record in &records {
        let (kept, length, rest) = match record.said {
            Said::Received { kept, length, rest_sha256 } => (kept, length, rest_sha256),
            Said::Sent(bytes) => (bytes, bytes.len(), None),
            Said::Dropped(_) | Said::WireReceived(_) | Said::WireSent(_) => continue,
        };
        let is_sent = matches!(record.said, Said::Sent(_));
        let since = moment(began, record.mono_us);
        let mut done = 0;
        while done < length {
            let size = (length - done).min(SEGMENT_BYTES);
            let at = kept.len().min(done);
            let held = &kept[at..kept.len().min(done + size)];
            let mut packet = framing.data(is_sent, held, size).map_err(unframed)?;
            let whole = packet.len();
            packet.truncate(whole - (size - held.len()));
            let comment = rest.filter(|_| done == 0).map_or(String::new(), |digest| {
                let left_out = length - kept.len();
                format!("{left_out} bytes of content are not kept; their SHA-256 is {digest}")
            });
            writer.packet(began.utc, since, &packet, whole, &comment)?;
            done += size;
        }
    }
    Ok(writer.finish())
}

/// How long after the contact began a moment was, by the clock that never goes back.
fn moment(began: Stamp, mono_us: u64) -> Duration {
    Duration::from_micros(mono_us.saturating_sub(began.mono_us))
}

struct Writer(PcapNgWriter<Vec<u8>>);

impl Writer {
    fn new(observation: &Observation, transcript: Digest, records: &[Record<'_>]) -> Result<Self, CaptureFault> {
        let who = match observation.direction {
            Direction::Outgoing => "the monitor called",
            Direction::Incoming => "the peer called",
        };
        let mut comment = format!(
            "Reconstructed by affiant from the transcript with SHA-256 {transcript}; {who}. Payload, order and times are the transcript's. \
             Packets, their headers, numbers and checksums are made up: a monitor of streams sees none."
        );
        if records.iter().any(|record| matches!(record.said, Said::WireReceived(_) | Said::WireSent(_))) {
            comment.push_str(" The stream was under MSE; shown is what was said under it.");
        }
        if let Some(Said::Dropped(count)) = records.last().map(|record| record.said) {
            comment.push_str(&format!(" {count} further records were not kept."));
        }
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::Comment(Cow::Owned(comment)),
                SectionHeaderOption::UserApplication(Cow::Borrowed("affiant")),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut writer = PcapNgWriter::with_section_header(Vec::new(), section).map_err(fault)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed("reconstructed")),
                // Nanoseconds, which is how the library writes a time.
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        };
        writer.write_pcapng_block(interface).map_err(fault)?;
        Ok(Self(writer))
    }

    fn packet(&mut self, base: Utc, since: Duration, bytes: &[u8], whole: usize, comment: &str) -> Result<(), CaptureFault> {
        let options = match comment {
            "" => Vec::new(),
            comment => vec![EnhancedPacketOption::Comment(Cow::Borrowed(comment))],
        };
        let base = Duration::from_millis(u64::try_from(base.ms()).unwrap_or_default());
        let packet = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: base + since,
            original_len: u32::try_from(whole).unwrap_or(u32::MAX),
            data: Cow::Borrowed(bytes),
            options,
        };
        self.0.write_pcapng_block(packet).map_err(fault).map(drop)
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_inner()
    }
}

fn fault(fault: pcap_file::PcapError) -> CaptureFault {
    CaptureFault::Writing(fault.to_string())
}

fn unframed(fault: BuildWriteError) -> CaptureFault {
    CaptureFault::Writing(fault.to_string())
}

#[cfg(test)]
mod tests;
