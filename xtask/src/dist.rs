//! What is shipped: the module, its compiled forms, and an OCI image layout that holds the module.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::wasmedge::{WasmEdge, hex};
use crate::{apt, layout, module};

/// Builds everything into `target/dist` and lists it.
pub fn dist() -> Result<()> {
    let dir = layout::target().join("dist");
    layout::remove(&dir)?;
    fs::create_dir_all(&dir)?;
    let module = module::build(module::PROGRAM)?;
    let mut files = vec!["wlf-aio.wasm".to_owned()];
    fs::copy(&module, dir.join(&files[0]))?;
    for wasmedge in [WasmEdge::v0_14()?, WasmEdge::v0_17()?] {
        let name = format!(
            "wlf-aio-wasmedge-{}-{}.so",
            wasmedge.version,
            std::env::consts::ARCH
        );
        fs::copy(wasmedge.compile(&module)?, dir.join(&name))?;
        files.push(name);
    }
    let mut sums = String::new();
    for name in &files {
        let bytes = fs::read(dir.join(name))?;
        sums += &format!("{}  {name}\n", hex(&Sha256::digest(&bytes)));
        println!("{:>9} bytes  {}", bytes.len(), dir.join(name).display());
    }
    fs::write(dir.join("SHA256SUMS"), sums)?;
    let image = dir.join("oci");
    write_image(&module, &image)?;
    println!(
        "{:>15}  {} (OCI image layout, wasi/wasm)",
        "",
        image.display()
    );
    Ok(())
}

/// Writes an image layout (OCI image specification 1.1) whose one layer holds the module.
///
/// Runtimes that know WebAssembly (containerd's WasmEdge shim, crun) run it; they tell it by its platform and annotation.
fn write_image(module: &Path, image: &Path) -> Result<()> {
    let blobs = image.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let tar = image.join("layer.tar");
    // With nothing of this machine or moment in it, so that the same module gives the same image.
    let mut command = Command::new("tar");
    command
        .args([
            "--create",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mtime=@0",
            "--mode=0555",
            "--file",
        ])
        .arg(&tar)
        .arg("--directory")
        .arg(module.parent().context("the module has no directory")?)
        .arg(module.file_name().context("the module has no name")?);
    apt::output(&mut command)?;
    let layer = fs::read(&tar)?;
    fs::remove_file(&tar)?;
    let store = |bytes: &[u8], media_type: &str| -> Result<Value> {
        let digest = hex(&Sha256::digest(bytes));
        fs::write(blobs.join(&digest), bytes)?;
        Ok(
            json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() }),
        )
    };
    let layer = store(&layer, "application/vnd.oci.image.layer.v1.tar")?;
    let platform = json!({ "os": "wasi", "architecture": "wasm" });
    let config = json!({
        "os": "wasi",
        "architecture": "wasm",
        "config": { "Entrypoint": ["/wlf-aio.wasm"] },
        // Without compression the layer's digest is that of its content too.
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
    });
    let config = store(
        &serde_json::to_vec(&config)?,
        "application/vnd.oci.image.config.v1+json",
    )?;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": config,
        "layers": [layer],
        "annotations": { "module.wasm.image/variant": "compat-smart" },
    });
    let mut manifest = store(&serde_json::to_vec(&manifest)?, manifest_type)?;
    manifest["platform"] = platform;
    manifest["annotations"] =
        json!({ "org.opencontainers.image.ref.name": env!("CARGO_PKG_VERSION") });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    fs::write(image.join("index.json"), serde_json::to_vec(&index)?)?;
    fs::write(
        image.join("oci-layout"),
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the blob that a descriptor names, checking digest and size.
    fn blob(image: &Path, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap();
        let bytes = fs::read(image.join("blobs/sha256").join(digest)).unwrap();
        assert_eq!(hex(&Sha256::digest(&bytes)), digest);
        assert_eq!(descriptor["size"], json!(bytes.len()));
        bytes
    }

    #[test]
    fn every_descriptor_of_the_image_leads_to_its_blob_and_the_layer_to_the_module() {
        let dir = std::env::temp_dir().join(format!("wlf-xtask-{}-image", std::process::id()));
        layout::remove(&dir).unwrap();
        fs::create_dir_all(&dir).unwrap();
        let module = dir.join("wlf-aio.wasm");
        fs::write(&module, b"\0asm").unwrap();
        let image = dir.join("oci");
        write_image(&module, &image).unwrap();

        let index: Value =
            serde_json::from_slice(&fs::read(image.join("index.json")).unwrap()).unwrap();
        let manifest: Value =
            serde_json::from_slice(&blob(&image, &index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&blob(&image, &manifest["config"])).unwrap();
        let layer = blob(&image, &manifest["layers"][0]);
        assert_eq!(
            config["rootfs"]["diff_ids"][0],
            manifest["layers"][0]["digest"]
        );
        fs::write(dir.join("layer.tar"), layer).unwrap();
        let mut tar = Command::new("tar");
        let listed = apt::output(
            tar.arg("-xOf")
                .arg(dir.join("layer.tar"))
                .arg("wlf-aio.wasm"),
        )
        .unwrap();
        assert_eq!(listed.as_bytes(), b"\0asm");
        layout::remove(&dir).unwrap();
    }
}
