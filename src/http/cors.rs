//! Pages of other origins may read (Fetch standard, section 3.2).

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap, HeaderValue},
};

/// The methods that paths of the folder know.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// The same where encoders may push.
pub(super) const ALL_METHODS: &str = "GET, HEAD, OPTIONS, PUT, POST, DELETE";

/// How long a browser may remember a preflight, in seconds: as long as browsers do at most.
const PREFLIGHT_MAX_AGE: &str = "86400";

const EXPOSED: &str = "Date, Age, ETag, Content-Length, Content-Range, Server-Timing, \
                       Preference-Applied, CMSD-Static, CMSD-Dynamic";

/// The origins whose pages may read.
#[derive(Debug, Clone, Default)]
pub enum Origins {
    /// All of them.
    #[default]
    Any,
    /// These, as browsers send them in `Origin`.
    Listed(Vec<String>),
}

impl Origins {
    /// Adds to every response what lets pages of other origins read it. `origin`: of the page that
    /// asks.
    pub(super) fn allow(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        let allowed = match self {
            Self::Any => HeaderValue::from_static("*"),
            Self::Listed(origins) => {
                response.append(header::VARY, HeaderValue::from_static("Origin"));
                let origin = origin.filter(|origin| {
                    origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
                });
                let Some(origin) = origin else { return };
                origin.clone()
            }
        };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        response.insert(header::HeaderName::from_static("timing-allow-origin"), allowed);
    }
}

/// The answer to OPTIONS, with or without a preflight's headers.
pub(super) fn options(request: &HeaderMap, methods: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ALLOW, methods));
    if request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods));
        response.insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE));
        if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()));
        }
    }
    response.finish()
}
