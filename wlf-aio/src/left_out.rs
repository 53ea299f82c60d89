//! What a program that was built without some of its systems says of their components.

use wlf_core::config::ComponentType;

/// Makes, for each component of a system, a type of that name that cannot be built and says which feature it is in.
macro_rules! systems {
    ($($feature:literal: $($kind:ident $name:ident),+;)+) => {
        $($(
            #[cfg(any(test, not(feature = $feature)))]
            #[derive(serde::Deserialize)]
            struct $name {}

            #[cfg(any(test, not(feature = $feature)))]
            impl schemars::JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!(true)
                }
            }

            #[cfg(any(test, not(feature = $feature)))]
            impl wlf_core::config::Build for $name {
                const TYPE: &'static str = stringify!($name);
                const KIND: wlf_core::ComponentKind = wlf_core::ComponentKind::$kind;

                fn build(
                    self,
                    _: &wlf_core::config::Context,
                ) -> Result<wlf_core::config::Component, wlf_core::config::Invalid> {
                    let what = concat!(
                        "this program was built without the feature `",
                        $feature,
                        "`, which has `",
                        stringify!($name),
                        "`",
                    );
                    Err(wlf_core::config::Invalid::new("type", what).with_hint(hint($feature)))
                }
            }
        )+)+

        /// The types of the systems that this program was built without.
        const LEFT_OUT: &[&[ComponentType]] = &[
            $(
                #[cfg(not(feature = $feature))]
                &[$(ComponentType::of::<$name>()),+],
            )+
        ];

        /// The same as if it was built without any, with their features.
        #[cfg(test)]
        const EVERY: &[(&str, &[ComponentType])] = &[
            $(($feature, &[$(ComponentType::of::<$name>()),+]),)+
        ];

        /// The feature that a component which was left out is in.
        pub(crate) fn feature_of(name: &str) -> Option<&'static str> {
            $(
                #[cfg(not(feature = $feature))]
                if [$(stringify!($name)),+].contains(&name) {
                    return Some($feature);
                }
            )+
            let _ = name;
            None
        }
    };
}

systems! {
    "mysql": Collector BinlogCollector, Collector BinlogFileCollector;
    "transform": Transformer BinlogFilter, Transformer EventReplicator;
    "kafka": Dispatcher KafkaDispatcher;
    "redis": Dispatcher RedisDispatcher;
    "nats": Dispatcher NatsDispatcher;
    "local": Dispatcher StdoutDispatcher, Dispatcher FileDispatcher, Dispatcher NullDispatcher;
}

/// The systems of a program and beside them what was left out of it, for files that name it.
pub(crate) fn beside<'a>(systems: &[&'a [ComponentType]]) -> Vec<&'a [ComponentType]> {
    systems.iter().chain(LEFT_OUT).copied().collect()
}

/// What to do about a feature that was left out.
pub(crate) fn hint(feature: &str) -> String {
    format!("build the program with `--features {feature}` as well")
}

#[cfg(test)]
mod tests {
    use wlf_core::config::{Source, check};

    use super::*;
    use crate::SYSTEMS;
    use crate::config_file::Process;

    /// A name that is missing here would be an unknown type in a program without its system.
    #[test]
    #[cfg(all(
        feature = "kafka",
        feature = "local",
        feature = "mysql",
        feature = "nats",
        feature = "redis",
        feature = "transform"
    ))]
    fn each_component_of_each_system_is_named() {
        let named = |types: &[ComponentType]| -> Vec<_> {
            let mut named: Vec<_> = types
                .iter()
                .map(|known| (known.name(), known.kind().name()))
                .collect();
            named.sort_unstable();
            named
        };
        let every: Vec<_> = EVERY.iter().map(|(_, types)| named(types)).collect();
        let systems: Vec<_> = SYSTEMS.iter().map(|types| named(types)).collect();
        assert_eq!(every, systems);
    }

    #[test]
    fn a_file_that_names_what_was_left_out_is_told_the_feature() {
        let text = "\
collectors:
  - {id: rows, type: BinlogFileCollector, paths: [x], destination: out}
dispatchers:
  - id: out
    type: KafkaDispatcher
    bootstrap_brokers: [here:9092]
";
        let every: Vec<_> = EVERY.iter().map(|(_, types)| *types).collect();
        let problems = match check(Source::new("wlf.yaml", text.to_owned()), &every, &Process) {
            Ok(_) => panic!("nothing is in this program"),
            Err(problems) => problems.to_string(),
        };
        for said in [
            "this program was built without the feature `mysql`, which has `BinlogFileCollector`",
            "wlf.yaml:5:11",
            "this program was built without the feature `kafka`, which has `KafkaDispatcher`",
            "build the program with `--features kafka` as well",
        ] {
            assert!(problems.contains(said), "{problems}");
        }
    }
}
