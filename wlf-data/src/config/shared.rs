//! Options that many components have: their schema stands once, and each component's refers to it.

use schemars::transform::Transform;
use schemars::{Schema, json_schema};

/// Makes a type's schema a reference to the definition of this name, as in `#[schemars(transform = Shared("tls"))]`.
///
/// The definition comes with it, under [`DEFINITION`](Self::DEFINITION). In draft 7 what stands beside a `$ref` is not
/// read, so it is in an `allOf`, beside which an option has its own description.
#[derive(Debug)]
pub struct Shared(pub &'static str);

impl Shared {
    /// Where a reference that was just made has what it refers to.
    pub const DEFINITION: &'static str = "x-definition";
    /// What references begin with, in the files of `docs/reference/`.
    pub const PLACE: &'static str = "shared.json#/$defs/";
}

impl Transform for Shared {
    fn transform(&mut self, schema: &mut Schema) {
        let definition = std::mem::take(schema);
        let place = format!("{}{}", Self::PLACE, self.0);
        *schema = json_schema!({"allOf": [{"$ref": place, Self::DEFINITION: definition}]});
    }
}
