//! How schema changes are written.

use super::canal;
use super::debezium::{self, Envelope};
use super::encoder::{Encoder, Form, KeyForm};
use super::key::{KeyFormat, KeyText};
use super::maxwell;
use super::record::{Content, End, Shape};
use super::row_format::Moment;
use crate::event::{EncodeError, Event};
use crate::schema_change::SchemaChange;

impl Encoder {
    /// Encodes a schema change, which counts as a row; one that the format has no message for has no record.
    ///
    /// Its key is written even if keys were not asked for.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn encode_schema_change(
        &mut self,
        event: &Event,
        change: &SchemaChange,
    ) -> Result<(), EncodeError> {
        let mut shape = Shape::ROW;
        let key = self.write_change(event, change, &mut shape);
        match (self.keys_as, key) {
            (Some(KeyForm::Own) | None, Some(key)) => self.keys.put(key.as_bytes()),
            (Some(KeyForm::Maxwell(format)), _) => {
                KeyText::new(format, &event.table).write(&[], &self.payload, &mut self.keys);
            }
            (Some(KeyForm::Own) | None, None) => {
                KeyText::new(KeyFormat::Hash, &event.table).write(
                    &[],
                    &self.payload,
                    &mut self.keys,
                );
            }
        }
        if self.has_views() {
            let options = maxwell::Options::default();
            match maxwell::ddl::message(event, change, &options) {
                Some(plain) => self.views.put(plain.to_string().as_bytes()),
                None => self.views.put(b"{}"),
            }
        }
        self.ends.push(End {
            payload: self.payload.len(),
            key: self.keys.len(),
            view: self.views.len(),
            shape,
        });
        Ok(())
    }

    /// Writes the value of a change's record; gives its key if that is the format's own.
    fn write_change(
        &mut self,
        event: &Event,
        change: &SchemaChange,
        shape: &mut Shape,
    ) -> Option<String> {
        let now = Moment::now(self.clock);
        let own = !matches!(self.keys_as, Some(KeyForm::Maxwell(_)));
        let plain = maxwell::Options::default();
        let maxwell = match &self.form {
            Form::Plain => maxwell::ddl::message(event, change, &plain),
            Form::Maxwell(form) => maxwell::ddl::message(event, change, form.options()),
            Form::Debezium(form) if form.envelope() == Envelope::CloudEvents => None,
            Form::Debezium(form) => {
                let message = debezium::ddl::message(event, change, form.options(), now);
                self.payload.put(&message.value);
                shape.keyless = own && message.key.is_none();
                return message.key;
            }
            Form::Canal(form) => {
                let message = canal::ddl::message(event, change, form.batch(), now);
                self.payload.put(&message);
                shape.keyless = own;
                return None;
            }
        };
        match maxwell {
            Some(message) => self.payload.put(message.to_string().as_bytes()),
            None => shape.value = Content::Nothing,
        }
        None
    }
}
