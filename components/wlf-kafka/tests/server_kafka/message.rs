//! CreatePartitions, which rskafka has not.

use std::io::Read;

use rskafka::protocol::api_key::ApiKey;
use rskafka::protocol::api_version::{ApiVersion, ApiVersionRange};
use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
use rskafka::protocol::primitives::{Boolean, Int16, Int32, NullableString, String_};
use rskafka::protocol::traits::{ReadType, WriteType};

/// Gives a topic more partitions.
///
/// Source: <https://kafka.apache.org/protocol#The_Messages_CreatePartitions>
#[derive(Debug)]
pub struct CreatePartitions {
    pub topic: String,
    pub count: i32,
}

/// The error code of the topic.
#[derive(Debug)]
pub struct Created(pub i16);

impl RequestBody for CreatePartitions {
    type ResponseBody = Created;
    const API_KEY: ApiKey = ApiKey::CreatePartitions;
    const API_VERSION_RANGE: ApiVersionRange =
        ApiVersionRange::new(ApiVersion(Int16(0)), ApiVersion(Int16(1)));
    const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: ApiVersion = ApiVersion(Int16(2));
}

impl WriteVersionedType<Vec<u8>> for CreatePartitions {
    fn write_versioned(
        &self,
        out: &mut Vec<u8>,
        _version: ApiVersion,
    ) -> Result<(), WriteVersionedError> {
        Int32(1).write(out)?; // topics
        String_(self.topic.clone()).write(out)?;
        Int32(self.count).write(out)?;
        Int32(-1).write(out)?; // assignments: the broker's own
        Int32(10_000).write(out)?; // timeout_ms
        Boolean(false).write(out)?; // validate_only
        Ok(())
    }
}

impl<R: Read> ReadVersionedType<R> for Created {
    fn read_versioned(reader: &mut R, _version: ApiVersion) -> Result<Self, ReadVersionedError> {
        Int32::read(reader)?; // throttle_time_ms
        Int32::read(reader)?; // results
        String_::read(reader)?;
        let code = Int16::read(reader)?.0;
        NullableString::read(reader)?; // error_message
        Ok(Self(code))
    }
}
