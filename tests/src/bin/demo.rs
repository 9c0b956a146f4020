//! A demonstration: a server, a folder of pictures, one batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use contract_tests::{Origin, process};
use customer_client::{Client, Credentials, Failure, types};
use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::process::Command;

const CUSTOMER: i64 = 1;
const KEY: &str = "d3b0c442-98fc-4c14-9afb-f4c8996fb924";
const SECRET: &str = "for-the-demonstration-only";
/// The most images that a batch can have.
const BATCH: usize = 250;
const PATIENCE: Duration = Duration::from_secs(600);

/// Starts a server with data of its own, registers a folder of pictures as one batch, and shows what
/// came of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of pictures; by default twelve that come with the tests.
    #[arg(long)]
    pictures: Option<PathBuf>,
    /// Exit at once instead of leaving the server running until Enter.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = arguments.pictures.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures"));
    let data = tempfile::Builder::new().prefix("customer-demo-").tempdir()?;
    let binary = tokio::task::spawn_blocking(process::binary).await??;
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--origin-allow", "127.0.0.0/8"]);
    command.args(["--admin-key", KEY, "--admin-secret", SECRET, "--data"]).arg(data.path());
    let log = Arc::<Mutex<String>>::default();
    let (mut server, address) = process::start(&mut command, log).await?;
    let base = format!("http://{address}");

    let origin = Origin::start().await;
    let pictures = serve(&origin, &folder)?;
    let client = Client::connect(&base, &Credentials::new(KEY, SECRET))?;
    let space = ingest(&client, &pictures).await?;
    show(&client, space).await?;
    println!("\nexplore   {base}/docs/   (Authorize with the two below)");
    println!("key       {KEY}\nsecret    {SECRET}");
    println!("space     {base}/customers/{CUSTOMER}/spaces/{space}");
    if !arguments.once {
        println!("\nEnter ends the server and removes its data.");
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    }
    server.kill().await?;
    Ok(())
}

/// Puts the folder's pictures on the origin: ids and URLs, by id.
fn serve(origin: &Origin, folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let known = image::ImageFormat::from_path(&path).is_ok();
        if known {
            pictures.push(path);
        }
    }
    anyhow::ensure!(!pictures.is_empty(), "no pictures in {}", folder.display());
    pictures.sort();
    if pictures.len() > BATCH {
        println!("{} has {} pictures, of which a batch takes the first {BATCH}", folder.display(), pictures.len());
        pictures.truncate(BATCH);
    }
    let mut served = BTreeMap::new();
    for path in pictures {
        let id = free_id(&path, &served);
        let url = origin.bytes(&id, std::fs::read(&path)?);
        served.insert(id, url);
    }
    Ok(served.into_iter().collect())
}

/// An id for a picture: its name, of the characters that are good everywhere.
fn free_id(path: &Path, taken: &BTreeMap<String, String>) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let mut id: String = name.chars().map(plain).collect();
    while taken.contains_key(&id) {
        id.insert(0, '-');
    }
    id
}

/// Registers the pictures in a new space as one batch, waits for it, and returns the space's number.
async fn ingest(client: &Client, pictures: &[(String, String)]) -> anyhow::Result<i64> {
    let space = client.space_create().customer(CUSTOMER).body_map(|body| body.name("demonstration"));
    let space = number(&space.send().await.map_err(Failure::from)?.into_inner().iri)?;
    let mut members = Vec::new();
    for (name, url) in pictures {
        let member = types::ImageRegistration::builder().space(space).id(name.clone()).origin(url.clone());
        members.push(types::ImageRegistration::try_from(member)?);
    }
    let start = Instant::now();
    let queued = client.queue_create().customer(CUSTOMER).body_map(|body| body.member(members));
    let batch = number(&queued.send().await.map_err(Failure::from)?.into_inner().iri)?;

    let bar = ProgressBar::new(pictures.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {elapsed}")?);
    let progress = |batch: &types::Batch| {
        bar.set_position(u64::try_from(batch.completed + batch.errors).unwrap_or(0));
    };
    let batch = client.wait_for_batch(CUSTOMER, batch, PATIENCE, progress).await?;
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    println!("batch     {}", batch.iri);
    println!(
        "          {} images, {} completed, {} errors, {seconds:.2} s\n",
        batch.count, batch.completed, batch.errors
    );
    Ok(space)
}

async fn show(client: &Client, space: i64) -> anyhow::Result<()> {
    let images: Vec<types::Image> = client.images(CUSTOMER, space).try_collect().await?;
    for image in images {
        let size = match (image.width, image.height) {
            (Some(width), Some(height)) => format!("{width}×{height}"),
            _ => image.error,
        };
        let look = image.thumbnail400.unwrap_or(image.iri);
        println!("{:24} {size:10} {look}", image.id);
    }
    Ok(())
}

/// The number a URI ends in.
fn number(iri: &str) -> anyhow::Result<i64> {
    iri.rsplit('/').next().and_then(|id| id.parse().ok()).with_context(|| format!("{iri} ends in no number"))
}
