//! Waiting for tasks, and showing how far they are.
//!
//! # Why
//! The operation log tells percents only; the service's own view of a task tells bytes, and is
//! asked as long as it exists.
//!
//! # Concurrency and crash
//! Tasks belong to the service: who stops waiting changes nothing. A service that does not answer
//! for a while is asked again, because a restart of it does not end its tasks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::error::ClientError;
use super::lookup::Noun;
use super::request::{Area, Request};
use super::wire_value::{number, text};
use crate::failure::{Failure, Kind};
use crate::progress_line::{Amount, Line, show_line};
use crate::service_context::ServiceContext;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// A restart of the service takes less.
const LONGEST_OUTAGE: Duration = Duration::from_mins(2);

/// Waits until all tasks have ended; what the operation log says of them then.
pub(crate) async fn wait(cx: &ServiceContext, label: &str, ids: &[String]) -> Result<Vec<Value>> {
    cx.leaves_behind(ids);
    let tasks = ids.iter().map(|id| Watched::new(id)).collect();
    let watch = Watch { cx, label, view: Mutex::new(View { tasks, first: None }) };
    let ended = show_line(cx.display(), &*cx.clock, || watch.line(), watch.run()).await;
    cx.leaves_behind(&[]);
    ended
}

/// Waits until something that is being deleted is gone.
pub(crate) async fn wait_until_gone(cx: &ServiceContext, noun: Noun, id: &str) -> Result<()> {
    let mut pauses = Pauses::new(cx);
    let text_of_line = format!("deleting {} {id}", noun.name);
    let look = || Line { text: text_of_line.clone(), done: 0, total: 0 };
    let work = async {
        loop {
            match cx.session.send(&noun.get(id)).await {
                Err(error) if error.is_absent() => return Ok(()),
                Err(error) => pauses.endure(error)?,
                Ok(answer) => {
                    pauses.answered();
                    let thing = answer.get(noun.one).unwrap_or(&Value::Null);
                    if [text(thing, "/status"), text(thing, "/billing/status")].contains(&"error") {
                        let message = format!("the {} {id} could not be deleted", noun.name);
                        let hint = "`strongroom task list --status failed` says why";
                        return Err(Failure::new(Kind::Failed, message).hint(hint).into());
                    }
                }
            }
            pauses.pause().await;
        }
    };
    show_line(cx.display(), &*cx.clock, look, work).await
}

/// Growing pauses between questions, and patience with a service that does not answer.
struct Pauses<'a> {
    cx: &'a ServiceContext,
    next: Duration,
    silent_since: Option<Duration>,
}

impl<'a> Pauses<'a> {
    fn new(cx: &'a ServiceContext) -> Self {
        Self { cx, next: FIRST_PAUSE, silent_since: None }
    }

    async fn pause(&mut self) {
        self.cx.clock.sleep(self.next).await;
        self.next = (self.next * 3 / 2).min(LONGEST_PAUSE);
    }

    fn answered(&mut self) {
        self.silent_since = None;
    }

    /// Gives the error back when it will not pass.
    fn endure(&mut self, error: ClientError) -> Result<()> {
        let now = self.cx.clock.monotonic();
        let since = *self.silent_since.get_or_insert(now);
        if error.is_passing() && now.saturating_sub(since) < LONGEST_OUTAGE {
            return Ok(());
        }
        Err(error.into())
    }
}

/// A task and what is known of it.
struct Watched {
    id: String,
    log: Value,
    /// The service's own view; absent if it has none.
    detail: Option<Value>,
    has_detail: bool,
}

impl Watched {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), log: Value::Null, detail: None, has_detail: true }
    }

    fn is_over(&self) -> bool {
        !matches!(text(&self.log, "/status"), "" | "waiting" | "running")
    }

    fn bytes(&self) -> Option<(u64, u64)> {
        let detail = self.detail.as_ref()?;
        let total = number(detail, "/bytes_total");
        (total > 0).then(|| (number(detail, "/bytes_done").min(total), total))
    }

    fn percent(&self) -> u64 {
        if self.is_over() { 100 } else { number(&self.log, "/extra_info/common/progress").min(100) }
    }
}

struct View {
    tasks: Vec<Watched>,
    /// What was done when something was seen for the first time, and when that was. Percents and
    /// bytes have different totals.
    first: Option<(Duration, Amount)>,
}

struct Watch<'a> {
    cx: &'a ServiceContext,
    label: &'a str,
    view: Mutex<View>,
}

impl Watch<'_> {
    async fn run(&self) -> Result<Vec<Value>> {
        let mut pauses = Pauses::new(self.cx);
        loop {
            let open = self.look(|view| {
                let open = view.tasks.iter().filter(|task| !task.is_over());
                open.map(|task| (task.id.clone(), task.has_detail)).collect::<Vec<_>>()
            });
            if open.is_empty() {
                return Ok(self.look(|view| view.tasks.iter().map(|it| it.log.clone()).collect()));
            }
            for (id, has_detail) in open {
                match self.ask(&id, has_detail).await {
                    Ok(()) => pauses.answered(),
                    Err(error) => pauses.endure(error)?,
                }
            }
            if self.look(|view| view.tasks.iter().any(|task| !task.is_over())) {
                pauses.pause().await;
            }
        }
    }

    async fn ask(&self, id: &str, has_detail: bool) -> Result<(), ClientError> {
        let mut answer = self.cx.session.send(&Noun::TASK.get(id)).await?;
        let log = answer.get_mut(Noun::TASK.one).map(Value::take).unwrap_or_default();
        let mut detail = Ok(None);
        if has_detail && matches!(text(&log, "/status"), "waiting" | "running") {
            let request = Request::get(Area::Extension, &["tasks", id]);
            detail = match self.cx.session.send(&request).await {
                Ok(mut answer) => Ok(answer.get_mut("task").map(Value::take)),
                // A service without this view has no route there.
                Err(error) if error.is_absent() => Err(()),
                Err(error) => return Err(error),
            };
        }
        self.look(|view| {
            let Some(task) = view.tasks.iter_mut().find(|task| task.id == id) else { return };
            task.log = log;
            task.has_detail = detail.is_ok();
            if let Ok(Some(detail)) = detail {
                task.detail = Some(detail);
            }
        });
        Ok(())
    }

    fn look<T>(&self, look: impl FnOnce(&mut View) -> T) -> T {
        look(&mut self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn line(&self) -> Line {
        let now = self.cx.clock.monotonic();
        self.look(|view| view.line(self.label, now))
    }
}

impl View {
    fn line(&mut self, label: &str, now: Duration) -> Line {
        let bytes: Option<Vec<_>> = self.tasks.iter().map(Watched::bytes).collect();
        let (done, total) = bytes.as_deref().map_or_else(
            || {
                let done = self.tasks.iter().map(Watched::percent).sum();
                (done, 100 * u64::try_from(self.tasks.len()).unwrap_or(1))
            },
            |bytes| bytes.iter().fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1)),
        );
        let (since, first) = match self.first {
            Some((since, first)) if first.total == total && first.done <= done => (since, first),
            _ => (now, Amount { done, total, ..Amount::default() }),
        };
        self.first = Some((since, first));
        let elapsed = now.saturating_sub(since);
        let amount = Amount { done, total, before: first.done, elapsed };
        let shown = if bytes.is_some() { amount.bytes() } else { amount.share() };
        let mut parts = vec![label.to_owned()];
        if self.tasks.iter().all(|task| text(&task.log, "/status") == "waiting") {
            parts.push("waiting".to_owned());
        }
        parts.push(shown);
        let notes = self.tasks.iter().filter_map(|task| task.detail.as_ref());
        parts
            .extend(notes.map(|detail| text(detail, "/note").to_owned()).find(|it| !it.is_empty()));
        Line { text: parts.join("  "), done, total }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn watched(progress: u64, detail: Option<Value>) -> Watched {
        let log = json!({"status": "running", "extra_info": {"common": {"progress": progress}}});
        Watched { log, detail, ..Watched::new("1") }
    }

    #[test]
    fn line_shows_bytes_where_all_tasks_have_them() {
        let detail = json!({"bytes_done": 100, "bytes_total": 400, "note": "reading"});
        let mut view = View { tasks: vec![watched(25, Some(detail))], first: None };
        view.line("backup", Duration::from_secs(5));
        let detail = json!({"bytes_done": 200, "bytes_total": 400, "note": "reading"});
        view.tasks = vec![watched(50, Some(detail))];
        let line = view.line("backup", Duration::from_secs(15));
        assert_eq!(line.text, "backup  50 %  200 B of 400 B  10 B/s  20.0 s left  reading");
        assert_eq!((line.done, line.total), (200, 400));
    }

    #[test]
    fn line_falls_back_to_percents() {
        let mut view = View { tasks: vec![watched(20, None), watched(0, None)], first: None };
        assert_eq!(view.line("backup", Duration::ZERO).text, "backup  10 %");
        view.tasks = vec![watched(60, None), watched(0, None)];
        assert_eq!(view.line("b", Duration::from_secs(2)).text, "b  30 %  7.00 s left");
    }
}
