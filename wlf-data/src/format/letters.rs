//! How dead letters are written: with headers that say why, or inside of a JSON object.

use super::buffer::Buffer;
use super::encoder::Encoder;
use super::messages::{data, instant};
use super::record::{Beside, Content};
use crate::dead_letter::Reason;
use crate::event::EncodeError;

/// How a destination has it that a record is a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LetterForm {
    /// By the headers `wlf-error`, `wlf-component` and `wlf-position`.
    #[default]
    Headers,
    /// As a JSON object, `{"reason":…,"component":…,"position":…,"time":…,"event":…}`: for what has no headers.
    Json,
}

impl Encoder {
    /// Encodes what `encode` writes as a dead letter.
    ///
    /// # Errors
    /// Those of `encode`.
    pub(crate) fn encode_letter(
        &mut self,
        reason: &Reason,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.in_lanes {
            return self.encode_aside(|encoder| encoder.encode_letter(reason, encode));
        }
        let (before, packed) = (self.ends.len(), self.packed.len());
        let payload = self.payload.len();
        encode(self)?;
        match self.letters_as {
            LetterForm::Headers => self.add_headers(before, packed, reason),
            LetterForm::Json => self.wrap(before, payload, reason),
        }
        Ok(())
    }

    /// Adds the reason's headers to the records behind the first `before`.
    fn add_headers(&mut self, before: usize, packed: usize, reason: &Reason) {
        let reason = reason.headers();
        let own = self.packed.split_off(packed);
        let mut own = own.as_slice();
        for end in self.ends.iter_mut().skip(before) {
            let mut beside = Beside::default();
            if end.shape.packed {
                beside = Beside::take(&mut own).unwrap_or_default();
            }
            end.shape.packed = true;
            beside.put(reason.packed(), &mut self.packed);
        }
    }

    /// Puts the values of the records behind the first `before` into objects.
    fn wrap(&mut self, before: usize, start: usize, reason: &Reason) {
        let values = self.payload.get(start..).unwrap_or_default().to_vec();
        self.payload.truncate(start);
        let mut from = 0;
        for end in self.ends.iter_mut().skip(before) {
            let to = end.payload.saturating_sub(start);
            let value = values.get(from..to).unwrap_or_default();
            from = to;
            let value = match end.shape.value {
                Content::Nothing => {
                    end.payload = self.payload.len();
                    continue;
                }
                Content::Bytes => Some(value),
                Content::Null => None,
            };
            end.shape.value = Content::Bytes;
            letter(reason, value, &mut self.payload);
            end.payload = self.payload.len();
        }
    }
}

fn letter(reason: &Reason, value: Option<&[u8]>, out: &mut Buffer) {
    out.put(b"{\"reason\":");
    out.string(reason.error.as_bytes());
    out.put(b",\"component\":");
    out.string(reason.component.as_bytes());
    out.put(b",\"position\":");
    out.string(reason.position.as_bytes());
    out.put(b",\"time\":\"");
    instant(reason.time, out);
    out.put(b"\",\"event\":");
    data(value, "encoding", out);
    out.byte(b'}');
}
