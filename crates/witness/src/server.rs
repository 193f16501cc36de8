//! The HTTP service of a witness: `POST /add-checkpoint`, bounded in bytes, time and number.
//!
//! It speaks plain HTTP; a reverse proxy in front of it does TLS, as for any small service.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Response as HttpResponse, StatusCode, header};
use axum::routing::post;
use evidence::Utc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::request::MAX_BODY_BYTES;
use crate::{Response, Witness};

/// Requests read at once; more wait for their turn.
const REQUESTS_MAX: usize = 64;
/// How long a client may take to send a body of 64 KiB.
const BODY_WITHIN: Duration = Duration::from_secs(10);

struct Service {
    witness: Arc<Mutex<Witness>>,
    now: Box<dyn Fn() -> Utc + Send + Sync>,
    turns: Semaphore,
}

/// Serves until `stop` is done. `now` is asked once for each request.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    witness: Witness,
    listener: TcpListener,
    now: impl Fn() -> Utc + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let witness = Arc::new(Mutex::new(witness));
    let service = Service { witness, now: Box::new(now), turns: Semaphore::new(REQUESTS_MAX) };
    let router = Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(Arc::new(service));
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn add_checkpoint(State(service): State<Arc<Service>>, body: Body) -> HttpResponse<Body> {
    // The semaphore is never closed.
    let Ok(_turn) = service.turns.acquire().await else {
        return plain(503, "this witness is ending\n");
    };
    let body = match tokio::time::timeout(BODY_WITHIN, to_bytes(body, MAX_BODY_BYTES)).await {
        Err(_) => return plain(408, "the request did not come within 10 seconds\n"),
        Ok(Err(_)) => return plain(413, "the request is cut short or longer than 64 KiB\n"),
        Ok(Ok(body)) => body,
    };
    let (witness, now) = (Arc::clone(&service.witness), (service.now)());
    // It waits for the disk, which the runtime must not.
    let answered =
        tokio::task::spawn_blocking(move || witness.lock().unwrap_or_else(PoisonError::into_inner).add_checkpoint(&body, now));
    match answered.await {
        Ok(response) => http(response),
        Err(_) => plain(500, "this witness cannot cosign now\n"),
    }
}

fn plain(status: u16, body: &str) -> HttpResponse<Body> {
    http(Response { status, content_type: "text/plain; charset=utf-8", body: body.into() })
}

fn http(response: Response) -> HttpResponse<Body> {
    let mut answer = HttpResponse::new(Body::from(response.body));
    *answer.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(response.content_type));
    answer
}
