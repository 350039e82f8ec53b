//! LL-HLS: `/ldash/hls/{path of an MPD}/main.m3u8`, `…/{rendition}.m3u8` with its delivery
//! directives, and `…/{rendition}/{msn}.{part}.m4s`.
//!
//! A request is parsed, the presentation is asked, and the answer is sent, waited for, or refused.
//! Those that wait count like all others that are held.

mod disk;
mod respond;

pub use disk::Disk;

use super::{
    Site,
    access_log::Shown,
    failure::Failure,
    headers::{SERVER_TIMING, waited},
    holds::Hold,
    switching,
};
use crate::{
    folder::Answer,
    hls::{Media, NotOpened, Part, Presentation, View},
    live::{self, File, MediaPath},
    m3u8::Directives,
};
use actix_web::{HttpResponse, dev::ServiceRequest, http::header};
use std::{
    net::IpAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;

/// What a path below `/ldash/hls/` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    mpd: MediaPath,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Main,
    Playlist(String),
    Part { rendition: String, msn: u64, index: usize },
}

impl Target {
    /// The manifest of which it is made.
    pub(super) fn mpd(&self) -> &MediaPath {
        &self.mpd
    }

    /// The rendition, the segment's number and the name of the part that is asked for, if one is.
    pub(super) fn part(&self) -> Option<(&str, u64, String)> {
        match &self.what {
            What::Part { rendition, msn, index } => {
                Some((rendition, *msn, format!("{msn}.{index}.m4s")))
            }
            What::Main | What::Playlist(_) => None,
        }
    }

    /// Reads what follows the prefix; `None` when nothing is there.
    ///
    /// # Errors
    /// When it can be no path.
    pub(super) fn parse(encoded: &str) -> Result<Option<Self>, Failure> {
        let path = match live::Target::from_url(encoded) {
            Ok(live::Target::File(path)) => path,
            Ok(live::Target::Folder(_)) | Err(live::PathError::Hidden) => return Ok(None),
            Err(live::PathError::Malformed(reason)) => return Err(Failure::malformed(reason)),
        };
        Ok(Self::of(path.as_str()))
    }

    fn of(path: &str) -> Option<Self> {
        let at = path.rfind(".mpd/")? + ".mpd".len();
        let (mpd, rest) = (&path[..at], &path[at + 1..]);
        let what = match (rest, rest.strip_suffix(".m3u8"), rest.split_once('/')) {
            ("main.m3u8", ..) => What::Main,
            (_, Some(name), None) => What::Playlist(name.to_owned()),
            (_, None, Some((rendition, name))) => {
                let (msn, index) = name.strip_suffix(".m4s")?.split_once('.')?;
                let (msn, index) = (integer(msn)?, usize::try_from(integer(index)?).ok()?);
                What::Part { rendition: rendition.to_owned(), msn, index }
            }
            _ => return None,
        };
        Some(Self { mpd: MediaPath::from_disk(Path::new(mpd))?, what })
    }
}

/// In the one way in which we write it.
fn integer(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

/// Answers a request.
pub(super) async fn answer(
    site: &Site,
    http: &mut ServiceRequest,
    target: &Target,
) -> Result<HttpResponse, Failure> {
    let directives = match (&target.what, http.uri().query()) {
        (What::Playlist(_), Some(query)) => Directives::parse(query),
        _ => Ok(Directives::default()),
    };
    let directives = directives.map_err(|malformed| Failure::malformed(malformed.0))?;
    let mut waiting = Waiting::new(site, http, &target.mpd);
    let presentation = presentation(site, &target.mpd, &mut waiting).await?;
    let mut response = match &target.what {
        What::Main => respond::main(http, presentation.main()),
        What::Playlist(name) => {
            let view = presentation.rendition(name).ok_or(Failure::Absent)?;
            playlist(http, view, &directives, &mut waiting).await?
        }
        What::Part { rendition, msn, index } => {
            let view = presentation.rendition(rendition).ok_or(Failure::Absent)?;
            let mut response = part(site, http, view, (*msn, *index), &mut waiting).await?;
            if site.demand.is_switched(&target.mpd) {
                switching::uncached(&mut response);
            }
            response
        }
    };
    if let Some(held) = waiting.held() {
        response.headers_mut().insert(SERVER_TIMING, waited(held));
    }
    Ok(response)
}

/// The presentation of an MPD, which is waited for like any manifest.
async fn presentation(
    site: &Site,
    mpd: &MediaPath,
    waiting: &mut Waiting<'_>,
) -> Result<Arc<Presentation>, Failure> {
    if let Some(running) = site.hls.current(mpd) {
        return Ok(running);
    }
    let file = waiting.manifest().await?;
    site.hls.open(&file).map_err(|reason| match reason {
        NotOpened::Refused(refusal) => Failure::NoHls(refusal.0),
        NotOpened::Crowded => Failure::TooManyHls,
    })
}

async fn playlist(
    http: &ServiceRequest,
    mut view: View,
    directives: &Directives,
    waiting: &mut Waiting<'_>,
) -> Result<HttpResponse, Failure> {
    let is_ready = view.is_ready();
    let patience = if is_ready { view.patience() } else { waiting.site.patience.default_wait };
    loop {
        let asked = view.playlist(directives);
        match asked.map_err(|malformed| Failure::malformed(malformed.0))? {
            Media::Text(text) => {
                let caching = directives.is_blocking().then(|| view.caching());
                return Ok(respond::playlist(http, &text, caching));
            }
            Media::Nothing => return Err(Failure::Absent),
            Media::Pending => waiting.until(view.changed(), patience, is_ready).await?,
        }
    }
}

async fn part(
    site: &Site,
    http: &ServiceRequest,
    mut view: View,
    (msn, index): (u64, usize),
    waiting: &mut Waiting<'_>,
) -> Result<HttpResponse, Failure> {
    let patience = view.patience();
    loop {
        match view.part(msn, index) {
            Part::There(file, range) => return Ok(respond::part(site, http, &file, range)),
            Part::Nothing => return Err(Failure::Absent),
            Part::Pending => waiting.until(view.changed(), patience, true).await?,
        }
    }
}

/// A request that may have to wait, and its place among those that do.
struct Waiting<'a> {
    site: &'a Site,
    mpd: &'a MediaPath,
    name: String,
    address: Option<IpAddr>,
    since: Option<Instant>,
    hold: Option<Hold>,
}

impl<'a> Waiting<'a> {
    fn new(site: &'a Site, http: &ServiceRequest, mpd: &'a MediaPath) -> Self {
        let address = http.peer_addr().map(|address| address.ip());
        Self { site, mpd, name: Shown(http.uri()).to_string(), address, since: None, hold: None }
    }

    fn held(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }

    /// Takes a place.
    fn enter(&mut self) -> Result<Instant, Failure> {
        if self.hold.is_none() {
            let hold = self.site.holds.enter(&self.site.library, self.mpd, self.address);
            self.hold = Some(hold.ok_or(Failure::TooManyHeld)?);
            log::debug!("{} is held", self.name);
        }
        Ok(*self.since.get_or_insert_with(Instant::now))
    }

    /// Waits for a change. When none comes in time, that is a failure: of a stream that stands
    /// still, if it has begun.
    async fn until(
        &mut self,
        changed: impl Future<Output = ()>,
        patience: Duration,
        has_begun: bool,
    ) -> Result<(), Failure> {
        let deadline = self.enter()? + patience;
        let mut shutdown = self.site.shutdown.clone();
        tokio::select! {
            changed = timeout_at(deadline.into(), changed) => changed.map_err(|_| match has_begun {
                true => Failure::Blocked,
                false => Failure::TimedOut(patience),
            }),
            () = shutdown.stopped() => Err(Failure::Stopping),
        }
    }

    /// The manifest's file.
    async fn manifest(&mut self) -> Result<Arc<File>, Failure> {
        match self.site.folder.look(self.mpd.clone(), false).await {
            Answer::Live(file) => return Ok(file),
            Answer::Denied => return Err(Failure::Denied),
            Answer::Stored(_) => return Err(Failure::NoHls("it is too large".into())),
            Answer::Folder | Answer::Absent => {}
        }
        let patience = self.site.patience.wait(self.mpd, None);
        if patience.is_zero() {
            return Err(Failure::Absent);
        }
        let (mut shutdown, site, mpd) = (self.site.shutdown.clone(), self.site, self.mpd);
        let deadline = self.enter()? + patience;
        let Some(hold) = &mut self.hold else { return Err(Failure::TooManyHeld) };
        let found = async {
            loop {
                if let Answer::Live(file) = site.folder.look(mpd.clone(), true).await {
                    return file;
                }
                if let Some(file) = hold.wait.until(|_| true).await {
                    return file;
                }
            }
        };
        tokio::select! {
            found = timeout_at(deadline.into(), found) => {
                found.map_err(|_| Failure::TimedOut(patience))
            }
            () = shutdown.stopped() => Err(Failure::Stopping),
        }
    }
}

/// The header by which a playlist's compressed form differs.
const VARY: (header::HeaderName, &str) = (header::VARY, "Accept-Encoding");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_below_an_mpd() {
        let mpd = || MediaPath::at_root("a").join("x.mpd");
        let target = |path| Target::parse(path).expect("a path");
        let of = |what| Some(Target { mpd: mpd(), what });
        assert_eq!(target("a/x.mpd/main.m3u8"), of(What::Main));
        assert_eq!(target("a/x.mpd/v1.m3u8"), of(What::Playlist("v1".into())));
        let part = What::Part { rendition: "v1".into(), msn: 12, index: 0 };
        assert_eq!(target("a/x.mpd/v1/12.0.m4s"), of(part));
        for nothing in [
            "",
            "a/x.mpd",
            "a/x.mpd/",
            "a/x.m3u8",
            "a/x.mpd/v1/012.0.m4s",
            "a/x.mpd/v1/1.m4s",
            "a/x.mpd/v1/1.0.mp4",
            "a/x.mpd/b/c.m3u8",
            ".a/x.mpd/main.m3u8",
        ] {
            assert_eq!(target(nothing), None, "{nothing}");
        }
        assert!(Target::parse("../x.mpd/main.m3u8").is_err());
    }
}
