//! InitProducerId, the message of writing that rskafka has not.

use std::io::Read;

use rskafka::protocol::api_key::ApiKey;
use rskafka::protocol::api_version::{ApiVersion, ApiVersionRange};
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
use rskafka::protocol::primitives::{Int16, Int32, Int64, NullableString};
use rskafka::protocol::traits::{ReadType, WriteType};

use crate::record_batch::Producer;

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
