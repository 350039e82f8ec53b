//! The options of `lldash` on uploads.

use super::{
    source,
    tls::{Listen, listen},
    values::{duration, size},
};
use crate::{
    folder::Keep,
    http::ingest::access::Credential,
    server::{Endpoint, IngestConfig},
};
use clap::{ArgMatches, Args, builder::BoolishValueParser, parser::ValueSource};
use std::time::Duration;

/// What encoders may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Uploads")]
pub(super) struct IngestOptions {
    /// Let encoders push into the folder with PUT, POST and DELETE. What they push with
    /// `Cache-Control: max-age=SECONDS` is removed after that time, unless it is a manifest or an
    /// init; the rest stays, unless --keep or --keep-bytes says otherwise
    #[arg(long, env = "LLDASH_INGEST", value_parser = BoolishValueParser::new())]
    pub(super) ingest: bool,

    /// Let them push here and nowhere else; may be given more than once; reading works here too
    #[arg(long, value_name = "ADDR:PORT", env = "LLDASH_INGEST_LISTEN", value_delimiter = ',',
          value_parser = listen)]
    ingest_listen: Vec<Listen>,

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
    #[arg(long, env = "LLDASH_INGEST_OPEN", value_parser = BoolishValueParser::new())]
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

/// What does nothing where uploads are off.
const NEED_INGEST: [&str; 8] = [
    "ingest_listen",
    "ingest_token",
    "ingest_user",
    "ingest_password",
    "ingest_open",
    "max_upload",
    "keep",
    "keep_bytes",
];

impl IngestOptions {
    /// What becomes of uploads, if there are any.
    pub(super) fn keep(&self) -> Option<Keep> {
        self.ingest.then_some(Keep { time: self.keep, bytes: self.keep_bytes })
    }

    /// What makes no sense together.
    pub(super) fn contradiction(&self, matches: &ArgMatches) -> Option<String> {
        self.is_idle(matches).or_else(|| self.is_unsound().map(str::to_owned))
    }

    /// What does nothing without uploads. A variable that turns them off does so for all.
    fn is_idle(&self, matches: &ArgMatches) -> Option<String> {
        let is_off = matches.value_source("ingest") == Some(ValueSource::EnvVariable);
        if self.ingest || is_off {
            return None;
        }
        let has_default = |id: &str| {
            id == "max_upload" && matches.value_source(id) == Some(ValueSource::DefaultValue)
        };
        let ids = NEED_INGEST.into_iter().filter(|id| !has_default(id));
        let given: Vec<String> = ids.filter_map(|id| source::given(matches, id)).collect();
        let remedy = "without --ingest; give that too";
        match &given[..] {
            [] => None,
            [only] => Some(format!("{only} does nothing {remedy}")),
            [rest @ .., last] => {
                Some(format!("{} and {last} do nothing {remedy}", rest.join(", ")))
            }
        }
    }

    fn is_unsound(&self) -> Option<&'static str> {
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

impl IngestOptions {
    /// Where encoders may push, and only there.
    pub(super) fn listen(&self) -> &[Listen] {
        &self.ingest_listen
    }

    /// What they may do, if anything.
    pub(super) fn config(self, endpoint: impl Fn(&Listen) -> Endpoint) -> Option<IngestConfig> {
        let credential = match (self.ingest_token, self.ingest_user, self.ingest_password) {
            (Some(token), ..) => Credential::Token(token),
            (None, Some(name), Some(password)) => Credential::User { name, password },
            _ => Credential::None,
        };
        self.ingest.then_some(IngestConfig {
            listen: self.ingest_listen.iter().map(endpoint).collect(),
            credential,
            is_open: self.ingest_open,
            max_upload_bytes: self.max_upload,
        })
    }
}
