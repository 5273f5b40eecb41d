//! Ingest and download of one file through a node of its own.

use std::io::{Cursor, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use dataset_core::seal::{self, Identity};
use indicatif::ProgressBar;
use schema::wire::{
    Amount, ContributionState, ContributionView, DatasetPatch, DatasetView, DownloadRequest,
    NewAccount, NewDataset, NewOffer, NewOrder, NewRecipient, NewRevision, NewTopUp, SignIn,
};

use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::table::{Table, bytes};
use crate::client::{Client, upload};
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::demo::data;
use crate::demo::dice::Dice;
use crate::flows::operator_link;
use crate::serve::{self, Running};

/// The sample that often makes about a million rows.
const COPIES: usize = 64;
/// Each side of the download is measured for at least so long.
const LEAST: Duration = Duration::from_secs(3);
const PRICE: i64 = 1_000;

fn wrong(error: impl std::fmt::Display) -> Stop {
    Stop::new(Exit::Machine, error.to_string())
}

/// A node with its operator, who is also provider and buyer.
pub(super) struct Bench {
    pub(super) node: Running,
    pub(super) client: Client,
    file: PathBuf,
    dataset: DatasetView,
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

impl Bench {
    /// A node on a database of its own: in the place, or at this address.
    pub(super) async fn start(
        args: &BenchArgs,
        place: &Path,
        database_url: Option<String>,
    ) -> Outcome<Self> {
        std::fs::create_dir_all(place)?;
        let file = match &args.file {
            Some(file) => file.clone(),
            None => {
                let file = place.join("flights.parquet");
                let copies = COPIES * args.scale as usize;
                let grown = data::grown(copies, &mut Dice::new(1)).map_err(wrong)?;
                std::fs::write(&file, grown)?;
                file
            }
        };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let config = Config {
            data_dir: place.join("node"),
            database_url,
            blobs: None,
            listen: address,
            public_url: Some(format!("http://{address}")),
            ..Defaults::try_parse_from(["granary"]).map_err(wrong)?.config
        };
        let ctx = serve::build_ctx(config, Clock::System, Ids::Random)?;
        let link = operator_link::ensure(&ctx).await?.unwrap_or_default();
        let node = serve::start(ctx, listener).await?;
        let client = sign_in(&format!("http://{address}"), &link).await?;
        let dataset = client
            .create_dataset(&NewDataset {
                title: "Measured".to_owned(),
                description: String::new(),
                slug: None,
                contract: None,
                admission: None,
                commission_bps: 0,
            })
            .await?;
        Ok(Self {
            node,
            client,
            file,
            dataset,
        })
    }

    /// Seals, sends and waits; answers the verdict and the seconds.
    pub(super) async fn ingest(&self) -> Outcome<(ContributionView, f64)> {
        let info = self.client.node_info().await?;
        let hidden = ProgressBar::hidden();
        let start = Instant::now();
        let sealed = upload::seal(&self.file, &info, &hidden)?;
        let sent = self
            .client
            .upload(self.dataset.id, &sealed, &hidden)
            .await?;
        let verdict = self.client.wait_for_verdict(sent.id, |_| {}).await?;
        let seconds = start.elapsed().as_secs_f64();
        match (&verdict.verdict, verdict.state) {
            (_, ContributionState::Accepted) => Ok((verdict, seconds)),
            (Some(why), _) => Err(wrong(&why.message)),
            (None, _) => Err(wrong("the file was not accepted")),
        }
    }
}

async fn sign_in(address: &str, link: &str) -> Outcome<Client> {
    let visitor = Client::new(address)?;
    let who = SignIn {
        email: "bench@demo.example".to_owned(),
        password: "bench-password".to_owned(),
    };
    let token = link.rsplit('/').next().map(str::to_owned);
    let account = NewAccount {
        email: who.email.clone(),
        display_name: "Bench".to_owned(),
        password: who.password.clone(),
        operator_token: token,
    };
    visitor.sign_up(&account).await?;
    Ok(visitor.with_token(visitor.sign_in(&who).await?.token))
}

/// Seal, upload, check, clean, grade and seal again, against sealing and opening with plain
/// age and reading, counting and writing with polars alone.
pub async fn ingest(args: &BenchArgs, place: &Path) -> Outcome {
    let bench = Bench::start(args, place, None).await?;
    let (verdict, ours) = bench.ingest().await?;
    let file = std::fs::read(&bench.file).map_err(Stop::file(&bench.file))?;
    let size = file.len() as u64;
    let plain = tokio::task::spawn_blocking(move || plainly(&file))
        .await
        .map_err(wrong)??;
    let mut table = Table::new(&["ingest", ">seconds", ">MB/s"]);
    let row = |seconds: f64| {
        [
            format!("{seconds:.2}"),
            format!("{:.1}", size as f64 / 1e6 / seconds),
        ]
    };
    for (name, seconds) in [
        ("granary, seal to verdict", ours),
        ("plain age and polars", plain),
    ] {
        let [seconds, rate] = row(seconds);
        table.row([name.to_owned(), seconds, rate]);
    }
    println!("{}, {} rows", bytes(size), verdict.rows.unwrap_or_default());
    println!("{table}granary / plain: {:.2} of the time\n", ours / plain);
    Ok(bench.node.stop().await?)
}

fn plainly(file: &[u8]) -> Outcome<f64> {
    let identity = Identity::generate();
    let start = Instant::now();
    let mut sealed = Vec::new();
    seal::seal(&mut &file[..], &mut sealed, &[identity.to_recipient()]).map_err(wrong)?;
    let mut opened = Vec::new();
    seal::open(Cursor::new(sealed), &identity)
        .map_err(wrong)?
        .read_to_end(&mut opened)?;
    quality::anchor::plain(&opened).map_err(wrong)?;
    Ok(start.elapsed().as_secs_f64())
}

/// The sealed file of a licence over and over, against nginx with the same bytes.
pub async fn download(args: &BenchArgs, place: &Path) -> Outcome {
    let bench = Bench::start(args, place, None).await?;
    bench.ingest().await?;
    let url = bench.licensed().await?;
    let web = reqwest::Client::new();
    let sealed = web
        .get(&url)
        .send()
        .await
        .map_err(wrong)?
        .bytes()
        .await
        .map_err(wrong)?;
    let root = place.join("nginx");
    std::fs::create_dir_all(&root)?;
    std::fs::write(root.join("file"), &sealed)?;
    let nginx = Nginx::start(&root)?;
    let plain_url = format!("http://{}/file", nginx.address);
    wait_for(&web, &plain_url).await?;
    let (ours, theirs) = (rate(&web, &url).await?, rate(&web, &plain_url).await?);
    let mut table = Table::new(&["download", ">MB/s"]);
    table.row(["granary".to_owned(), format!("{ours:.0}")]);
    table.row(["nginx".to_owned(), format!("{theirs:.0}")]);
    println!(
        "{} sealed, one connection\n{table}granary / nginx: {:.2}\n",
        bytes(sealed.len() as u64),
        ours / theirs
    );
    Ok(bench.node.stop().await?)
}

impl Bench {
    /// Publishes and offers, and fills the wallet for so many orders; answers the order.
    pub(super) async fn offered(&self, orders: i64) -> Outcome<NewOrder> {
        let client = &self.client;
        let patch = DatasetPatch {
            license: Some("CC0-1.0".to_owned()),
            ..DatasetPatch::default()
        };
        client.edit_dataset(self.dataset.id, &patch).await?;
        let asked = client
            .publish(self.dataset.id, &NewRevision::default())
            .await?;
        client.wait_for_revision(asked.id).await?;
        let price = Amount {
            minor: PRICE,
            currency: "EUR".to_owned(),
        };
        let offer = NewOffer {
            price: price.clone(),
            template: Some("open".to_owned()),
            terms: None,
            dry_run: false,
        };
        let offer = client.offer(self.dataset.id, &offer).await?.offer;
        let offer = offer.ok_or_else(|| wrong("the offer is not live"))?;
        let top_up = NewTopUp {
            party: "bench".to_owned(),
            amount: Amount {
                minor: PRICE.saturating_mul(orders),
                ..price.clone()
            },
            reference: "bench".to_owned(),
        };
        client.top_up("bench-top-up", &top_up).await?;
        Ok(NewOrder {
            offer_id: offer.id,
            terms_sha256: offer.terms_sha256,
            price,
        })
    }

    /// Publishes, offers, buys; answers a signed address of the file.
    async fn licensed(&self) -> Outcome<String> {
        let (client, order) = (&self.client, self.offered(1).await?);
        let order = client.buy("bench-order", &order).await?;
        let recipient = NewRecipient {
            recipient: Identity::generate().to_recipient().to_string(),
            label: "bench".to_owned(),
        };
        let recipient_id = client.add_recipient(&recipient).await?.id;
        let ask = DownloadRequest {
            recipient_id,
            revision_id: None,
        };
        Ok(client.download_url(order.licence_id, &ask).await?.url)
    }
}

/// Megabytes per second of one connection.
async fn rate(web: &reqwest::Client, url: &str) -> Outcome<f64> {
    let (start, mut moved) = (Instant::now(), 0);
    while start.elapsed() < LEAST {
        let mut answer = web.get(url).send().await.map_err(wrong)?;
        while let Some(block) = answer.chunk().await.map_err(wrong)? {
            moved += block.len();
        }
    }
    Ok(moved as f64 / 1e6 / start.elapsed().as_secs_f64())
}

async fn wait_for(web: &reqwest::Client, url: &str) -> Outcome {
    for _ in 0..100 {
        if web
            .get(url)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(wrong("nginx does not answer"))
}

/// nginx on one folder; it ends with this value.
struct Nginx {
    process: Child,
    address: SocketAddr,
}

impl Nginx {
    fn start(root: &Path) -> Outcome<Self> {
        // A port that was free a moment ago.
        let address =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?.local_addr()?;
        let root = root.display();
        let settings = format!(
            "daemon off; master_process off; worker_processes 1; pid {root}/pid; error_log {root}/log;\n\
             events {{}}\nhttp {{ access_log off; sendfile on; tcp_nopush on;\n\
             client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;\n\
             uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\n\
             server {{ listen {address}; root {root}; }} }}\n"
        );
        let path = format!("{root}/nginx.conf");
        std::fs::write(&path, settings)?;
        let process = Command::new("nginx")
            .args(["-c", &path, "-p", &root.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| wrong(format!("nginx is needed to compare with: {error}")))?;
        Ok(Self { process, address })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
