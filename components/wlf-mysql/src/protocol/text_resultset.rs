//! Text Resultset: what COM_QUERY answers.

use super::eof_packet;
use super::err_packet::{self, ServerError};
use super::ok_packet::{self, OkPacket};
use super::reader::{DecodeError, Reader};

/// The rows of a query, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row's values, as text; `None` is NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row(Vec<Option<String>>);

impl Row {
    /// The value of a column; `None` if it is NULL or there is no such column.
    pub fn text(&self, column: usize) -> Option<&str> {
        self.0.get(column)?.as_deref()
    }
}

impl Rows {
    /// The value of the column called `name`, in any case; `None` if it is NULL or there is no such column.
    pub fn text<'a>(&self, row: &'a Row, name: &str) -> Option<&'a str> {
        let column = self
            .columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))?;
        row.text(column)
    }
}

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    /// So many column definitions are still to come.
    Columns(u64),
    ColumnsEnd,
    Rows,
}

/// Puts a result together, packet by packet.
#[derive(Debug)]
pub struct ResultReader {
    state: State,
    result: Rows,
}

impl Default for ResultReader {
    fn default() -> Self {
        Self {
            state: State::Begin,
            result: Rows::default(),
        }
    }
}

impl ResultReader {
    /// The rows that have come so far; they are not in the result any more.
    pub fn take_rows(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.result.rows)
    }

    /// Takes the next packet; gives the result when it was the last.
    pub fn receive(&mut self, packet: &[u8]) -> Result<Option<Rows>, ResultError> {
        if packet.first() == Some(&err_packet::HEADER) {
            return Err(ServerError::decode(packet)?.into());
        }
        match self.state {
            State::Begin => return self.begin(packet),
            State::Columns(left) => {
                self.result.columns.push(column_name(packet)?);
                let left = left.saturating_sub(1);
                self.state = if left == 0 {
                    State::ColumnsEnd
                } else {
                    State::Columns(left)
                };
            }
            State::ColumnsEnd if eof_packet::is_eof(packet) => self.state = State::Rows,
            State::ColumnsEnd => {
                return Err(DecodeError::Invalid {
                    packet: "EOF",
                    field: "header",
                    at: 0,
                }
                .into());
            }
            State::Rows if eof_packet::is_eof(packet) => {
                return Ok(Some(std::mem::take(&mut self.result)));
            }
            State::Rows => {
                let row = row(packet, self.result.columns.len())?;
                self.result.rows.push(row);
            }
        }
        Ok(None)
    }

    fn begin(&mut self, packet: &[u8]) -> Result<Option<Rows>, ResultError> {
        if packet.first() == Some(&ok_packet::HEADER) {
            OkPacket::decode(packet)?;
            return Ok(Some(Rows::default()));
        }
        // int<lenenc>: column count; 0xFB would ask for a local file, which we never offered
        let mut reader = Reader::new("column count", packet);
        let count = reader
            .lenenc("column count")?
            .ok_or_else(|| reader.invalid("column count"))?;
        self.state = State::Columns(count);
        Ok(None)
    }
}

/// Reads Protocol::ColumnDefinition41 as far as the column's name.
fn column_name(packet: &[u8]) -> Result<String, DecodeError> {
    let mut reader = Reader::new("ColumnDefinition41", packet);
    for field in ["catalog", "schema", "table", "org_table"] {
        reader.lenenc_bytes(field)?;
    }
    let name = reader
        .lenenc_bytes("name")?
        .ok_or_else(|| reader.invalid("name"))?;
    Ok(String::from_utf8_lossy(name).into_owned())
}

fn row(packet: &[u8], columns: usize) -> Result<Row, DecodeError> {
    let mut reader = Reader::new("row", packet);
    let mut values = Vec::new();
    for _ in 0..columns {
        let value = reader.lenenc_bytes("value")?;
        values.push(value.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    }
    if !reader.is_empty() {
        return Err(reader.invalid("value"));
    }
    Ok(Row(values))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::protocol) fn column(name: &str) -> Vec<u8> {
        let mut packet = b"\x03def\0\0\0".to_vec();
        packet.push(name.len() as u8);
        packet.extend(name.as_bytes());
        packet.extend(b"\0\x0c\x2d\0\x80\0\0\0\xfd\0\0\x1f\0\0");
        packet
    }

    #[test]
    fn reads_columns_and_rows() {
        let mut reader = ResultReader::default();
        let packets: [&[u8]; 6] = [
            b"\x02",
            &column("Variable_name"),
            &column("Value"),
            b"\xfe\0\0\x02\0",
            b"\x08gtid_mode\xfb",
            b"\xfe\0\0\x02\0",
        ];
        let mut result = None;
        for (i, packet) in packets.into_iter().enumerate() {
            let packet = if i == 4 { b"\x09gtid_mode\xfb" } else { packet };
            assert!(result.is_none());
            result = reader.receive(packet).unwrap();
        }
        let rows = result.unwrap();
        assert_eq!(rows.columns, ["Variable_name", "Value"]);
        assert_eq!(rows.text(&rows.rows[0], "VARIABLE_NAME"), Some("gtid_mode"));
        assert_eq!(rows.text(&rows.rows[0], "Value"), None);
        assert_eq!(rows.text(&rows.rows[0], "nonsense"), None);
    }

    #[test]
    fn reads_an_ok_and_an_error() {
        assert_eq!(
            ResultReader::default().receive(b"\0\0\0\x02\0\0\0"),
            Ok(Some(Rows::default()))
        );
        let error = ResultReader::default()
            .receive(b"\xff\x28\x04#42000syntax")
            .unwrap_err();
        assert!(matches!(error, ResultError::Server(error) if error.code == 1064));
    }

    #[test]
    fn a_row_of_other_width_is_an_error() {
        assert!(row(b"\x01a", 2).is_err());
        assert!(row(b"\x01a\x01b", 1).is_err());
        assert!(row(b"\x05a", 1).is_err());
    }
}
