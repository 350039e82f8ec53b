//! The options of `lldash` on uploads.

use super::values::{duration, size};
use crate::{folder::Keep, http::ingest::access::Credential, server::IngestConfig};
use clap::Args;
use std::{net::SocketAddr, time::Duration};

/// What encoders may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Uploads")]
pub(super) struct IngestOptions {
    /// Let encoders push into the folder with PUT, POST and DELETE. What they push with
    /// `Cache-Control: max-age=SECONDS` is removed after that time, unless it is a manifest or an
    /// init; the rest stays, unless --keep or --keep-bytes says otherwise
    #[arg(long, env = "LLDASH_INGEST")]
    pub(super) ingest: bool,

    /// Let them push here and nowhere else; may be given more than once; reading works here too
    #[arg(long, value_name = "ADDR:PORT", env = "LLDASH_INGEST_LISTEN", value_delimiter = ',')]
    ingest_listen: Vec<SocketAddr>,

    /// Take what comes with this token: as Bearer, or as the password of any user
    #[arg(long, value_name = "TOKEN", env = "LLDASH_INGEST_TOKEN", hide_env_values = true)]
    ingest_token: Option<String>,

    /// Take what this user pushes, with --ingest-password
    #[arg(long, value_name = "NAME", env = "LLDASH_INGEST_USER")]
    ingest_user: Option<String>,

    /// The password of --ingest-user
    #[arg(long, value_name = "PASSWORD", env = "LLDASH_INGEST_PASSWORD", hide_env_values = true)]
    ingest_password: Option<String>,

    /// Without a token or a user, take uploads from other machines too
    #[arg(long, env = "LLDASH_INGEST_OPEN")]
    ingest_open: bool,

    /// Take no larger upload
    #[arg(long, value_name = "SIZE", env = "LLDASH_MAX_UPLOAD", default_value = "4GiB",
          value_parser = size)]
    max_upload: u64,

    /// Remove uploaded media after this time; a lifetime of their own (max-age) beats it.
    /// Manifests, inits and keys stay, and so does what did not come by an upload
    #[arg(long, value_name = "TIME", env = "LLDASH_KEEP", value_parser = duration)]
    keep: Option<Duration>,

    /// Remove the oldest uploaded media when there is more than this, whatever their lifetime
    #[arg(long, value_name = "SIZE", env = "LLDASH_KEEP_BYTES", value_parser = size)]
    keep_bytes: Option<u64>,
}

impl IngestOptions {
    /// What becomes of uploads, if there are any.
    pub(super) fn keep(&self) -> Option<Keep> {
        self.ingest.then_some(Keep { time: self.keep, bytes: self.keep_bytes })
    }

    /// What makes no sense together.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let is_given = self.ingest_open
            || !self.ingest_listen.is_empty()
            || self.ingest_token.is_some()
            || self.ingest_user.is_some()
            || self.ingest_password.is_some()
            || self.keep.is_some()
            || self.keep_bytes.is_some();
        if is_given && !self.ingest {
            return Some("--ingest-…, --keep and --keep-bytes do nothing without --ingest");
        }
        if self.keep == Some(Duration::ZERO) {
            return Some("--keep 0 would keep nothing; leave it out to keep everything");
        }
        if self.ingest_user.is_some() != self.ingest_password.is_some() {
            return Some("--ingest-user and --ingest-password need each other");
        }
        if self.ingest_token.is_some() && self.ingest_user.is_some() {
            return Some("--ingest-token and --ingest-user exclude each other");
        }
        let secrets = [&self.ingest_token, &self.ingest_user, &self.ingest_password];
        let is_empty = secrets.into_iter().flatten().any(String::is_empty);
        is_empty.then_some("an empty token, user or password keeps nobody out")
    }
}

impl From<IngestOptions> for Option<IngestConfig> {
    fn from(options: IngestOptions) -> Self {
        let credential = match (options.ingest_token, options.ingest_user, options.ingest_password)
        {
            (Some(token), ..) => Credential::Token(token),
            (None, Some(name), Some(password)) => Credential::User { name, password },
            _ => Credential::None,
        };
        options.ingest.then_some(IngestConfig {
            listen: options.ingest_listen,
            credential,
            is_open: options.ingest_open,
            max_upload_bytes: options.max_upload,
        })
    }
}
