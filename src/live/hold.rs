//! May a path be waited for, and how long. Durations only: deadlines are the caller's.

use super::path::{MediaPath, Role};
use std::time::Duration;

/// How long requests may wait.
#[derive(Debug, Clone)]
pub struct Patience {
    /// No request waits longer.
    pub max_wait: Duration,
    /// How long requests wait that do not say.
    pub default_wait: Duration,
    /// Extensions, without a dot, of names that are waited for unasked beside media's.
    pub extensions: Vec<String>,
}

impl Patience {
    /// How long a request for `path` waits that asked for `asked`.
    pub fn wait(&self, path: &MediaPath, asked: Option<Duration>) -> Duration {
        match asked {
            Some(asked) => asked.min(self.max_wait),
            None if self.is_live_name(path) => self.default_wait.min(self.max_wait),
            None => Duration::ZERO,
        }
    }

    fn is_live_name(&self, path: &MediaPath) -> bool {
        path.role() != Role::Other || {
            let extension = path.name().rsplit_once('.').map(|(_, extension)| extension);
            extension.is_some_and(|extension| self.extensions.iter().any(|held| held == extension))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wait(name: &'static str, asked: Option<Duration>) -> Duration {
        let extensions = vec!["json".to_owned()];
        let patience = Patience { max_wait: 30 * SECOND, default_wait: 5 * SECOND, extensions };
        patience.wait(&MediaPath::at_root(name), asked)
    }

    #[test]
    fn holding_asked_for_is_capped() {
        assert_eq!(wait("x.html", Some(SECOND)), SECOND);
        assert_eq!(wait("x.m4s", Some(99 * SECOND)), 30 * SECOND);
        assert_eq!(wait("x.m4s", Some(Duration::ZERO)), Duration::ZERO);
    }

    #[test]
    fn holding_unasked_is_for_media_and_manifests() {
        assert_eq!(wait("x.m4s", None), 5 * SECOND);
        assert_eq!(wait("x.mpd", None), 5 * SECOND);
        assert_eq!(wait("x.json", None), 5 * SECOND);
        assert_eq!(wait("x.html", None), Duration::ZERO);
        assert_eq!(wait("json", None), Duration::ZERO);
    }
}
