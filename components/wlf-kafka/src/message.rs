//! The two messages that are written here instead of in rskafka.

use std::io::Read;

use rskafka::protocol::api_key::ApiKey;
use rskafka::protocol::api_version::{ApiVersion, ApiVersionRange};
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::messages::{
    ProduceResponse, ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError,
    WriteVersionedType,
};
use rskafka::protocol::primitives::{Int16, Int32, Int64, NullableString, String_};
use rskafka::protocol::traits::{ReadType, WriteError, WriteType};

use crate::record_batch::{self, BatchHeader, Producer, Record};

/// How long the leader may wait for all in-sync replicas.
pub const ACKNOWLEDGE_MS: i32 = 30_000;

/// Produce, with one batch for one partition, acknowledged by all in-sync replicas.
///
/// Source: <https://kafka.apache.org/protocol#The_Messages_Produce>
#[derive(Debug)]
pub struct Produce<'a, I> {
    pub topic: &'a str,
    pub partition: i32,
    pub header: BatchHeader,
    pub records: I,
    /// The records' sizes in all.
    pub size: usize,
}

impl<I> RequestBody for Produce<'_, I> {
    type ResponseBody = ProduceResponse;
    const API_KEY: ApiKey = ApiKey::Produce;
    /// From 3 on a request holds batches of version 2, up to 7 rskafka knows the response, from 9 on lengths are compact.
    const API_VERSION_RANGE: ApiVersionRange = range(3, 7);
    const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: ApiVersion = ApiVersion(Int16(9));
}

impl<'r, I> WriteVersionedType<Vec<u8>> for Produce<'_, I>
where
    I: ExactSizeIterator<Item = Record<'r>> + Clone,
{
    fn write_versioned(
        &self,
        out: &mut Vec<u8>,
        _version: ApiVersion,
    ) -> Result<(), WriteVersionedError> {
        out.reserve(self.size + record_batch::HEADER + self.topic.len() + 64);
        NullableString(None).write(out)?; // transactional_id
        Int16(-1).write(out)?; // acks: all in-sync replicas
        Int32(ACKNOWLEDGE_MS).write(out)?;
        Int32(1).write(out)?; // topics
        String_(self.topic.to_owned()).write(out)?;
        Int32(1).write(out)?; // partitions
        Int32(self.partition).write(out)?;
        let at = out.len();
        Int32(0).write(out)?; // size of the batch, set below
        record_batch::write(self.header, self.records.clone(), out).map_err(WriteError::IO)?;
        let size = i32::try_from(out.len() - at - 4).map_err(WriteError::Overflow)?;
        out[at..at + 4].copy_from_slice(&size.to_be_bytes());
        Ok(())
    }
}

/// InitProducerId, which gives a producer its id.
///
/// Source: <https://kafka.apache.org/protocol#The_Messages_InitProducerId>
#[derive(Debug)]
pub struct InitProducerId;

impl RequestBody for InitProducerId {
    type ResponseBody = ProducerIdResponse;
    const API_KEY: ApiKey = ApiKey::InitProducerId;
    const API_VERSION_RANGE: ApiVersionRange = range(0, 1);
    const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: ApiVersion = ApiVersion(Int16(2));
}

impl WriteVersionedType<Vec<u8>> for InitProducerId {
    fn write_versioned(
        &self,
        out: &mut Vec<u8>,
        _version: ApiVersion,
    ) -> Result<(), WriteVersionedError> {
        NullableString(None).write(out)?; // transactional_id
        Int32(i32::MAX).write(out)?; // transaction_timeout_ms, of no meaning without transactions
        Ok(())
    }
}

#[derive(Debug)]
pub struct ProducerIdResponse {
    pub error: Option<Code>,
    pub producer: Producer,
}

impl<R: Read> ReadVersionedType<R> for ProducerIdResponse {
    fn read_versioned(reader: &mut R, _version: ApiVersion) -> Result<Self, ReadVersionedError> {
        Int32::read(reader)?; // throttle_time_ms
        Ok(Self {
            error: Code::new(Int16::read(reader)?.0),
            producer: Producer {
                id: Int64::read(reader)?.0,
                epoch: Int16::read(reader)?.0,
            },
        })
    }
}

const fn range(min: i16, max: i16) -> ApiVersionRange {
    ApiVersionRange::new(ApiVersion(Int16(min)), ApiVersion(Int16(max)))
}
