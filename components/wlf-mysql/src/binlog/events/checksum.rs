//! How events are protected against damage.

use super::header::Header;
use crate::reader::Malformed;

/// A binlog's checksum algorithm, as its FORMAT_DESCRIPTION names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    #[default]
    None,
    /// CRC-32 in the event's last four bytes.
    Crc32,
}

/// An event whose bytes are not those that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged {
    pub stored: u32,
    pub computed: u32,
}

impl Checksum {
    pub const LENGTH: usize = 4;

    /// The algorithm that the event's own bytes speak for.
    pub fn found_in(event: &[u8]) -> Self {
        match Self::Crc32.verify(event) {
            Ok(Ok(_)) => Self::Crc32,
            Ok(Err(_)) | Err(_) => Self::None,
        }
    }

    /// Takes the checksum off the event's end.
    #[inline(always)]
    pub fn split(self, event: &[u8]) -> Result<&[u8], Malformed> {
        match self {
            Self::None => Ok(event),
            Self::Crc32 => Ok(split(event)?.0),
        }
    }

    /// Takes the checksum off the event's end and compares it.
    #[inline(always)]
    pub fn verify(self, event: &[u8]) -> Result<Result<&[u8], Damaged>, Malformed> {
        match self {
            Self::None => Ok(Ok(event)),
            Self::Crc32 => {
                let (event, stored) = split(event)?;
                Ok(compare(event, stored, wlf_core::checksum::crc32(event)))
            }
        }
    }

    /// The same for a FORMAT_DESCRIPTION, whose checksum leaves out that the file is in use.
    pub fn verify_format_description(
        self,
        event: &[u8],
    ) -> Result<Result<&[u8], Damaged>, Malformed> {
        let (body, stored) = split(event)?;
        if self == Self::None {
            return Ok(Ok(body));
        }
        let mut closed = body.to_vec();
        for (byte, bit) in closed
            .iter_mut()
            .skip(Header::LENGTH - 2)
            .zip(Header::IN_USE.to_le_bytes())
        {
            *byte &= !bit;
        }
        Ok(compare(body, stored, wlf_core::checksum::crc32(&closed)))
    }
}

fn split(event: &[u8]) -> Result<(&[u8], u32), Malformed> {
    let (event, stored) = event
        .split_last_chunk::<{ Checksum::LENGTH }>()
        .ok_or(Malformed::Truncated("its checksum"))?;
    Ok((event, u32::from_le_bytes(*stored)))
}

#[inline(always)]
fn compare(event: &[u8], stored: u32, computed: u32) -> Result<&[u8], Damaged> {
    if stored == computed {
        Ok(event)
    } else {
        Err(Damaged { stored, computed })
    }
}
