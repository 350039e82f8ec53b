//! What a supervisor shows of its encoder's work: the manifest, and what is whole of a run that
//! failed.

use super::{
    arguments::WINDOW,
    periods::{Offered, Terms},
    state::State,
    supervisor::{SILENT_SEGMENTS, Supervisor},
    switching::ladder,
    trial,
    workspace::MANIFEST,
};

impl Supervisor {
    /// There is a manifest, or a new one.
    pub(super) async fn show(&mut self) -> Result<(), String> {
        if self.is_ffmpeg() && !self.publish().await? {
            return Ok(());
        }
        let mut status = self.seat.status();
        if status.state != State::Live {
            log::info!("{} is live", self.stream.key);
            status.failure = None;
            status.state = State::Live;
        }
        Ok(())
    }

    /// Makes the manifest that is shown; false while ffmpeg has none.
    async fn publish(&mut self) -> Result<bool, String> {
        let raw = self.disk(|workspace| Ok(workspace.raw_manifest())).await;
        let Some(raw) = raw.ok().flatten() else { return Ok(false) };
        if !self.is_proved().await? {
            return Ok(false);
        }
        let segments = WINDOW.max(self.stream.segment * SILENT_SEGMENTS);
        let offered = self.offered();
        let terms = Terms { window: segments, segment: self.stream.segment, offered };
        let past = self.timeline.past_run();
        let Some(text) = self.timeline.show(&raw, self.run, terms) else { return Ok(false) };
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("publishTime="));
        let timeless: String = lines.collect();
        if timeless == self.shown {
            return Ok(true);
        }
        self.shown = timeless;
        let kept = [Some(self.run), self.timeline.past_run()];
        let is_over = past.is_some() && past != self.timeline.past_run();
        let published = self.disk(move |workspace| {
            workspace.publish(&text)?;
            if is_over {
                workspace.keep_runs(&kept.into_iter().flatten().collect::<Vec<_>>());
            }
            Ok(())
        });
        published.await.map_err(|error| format!("{MANIFEST} cannot be written: {error}"))?;
        Ok(true)
    }

    /// Which of the qualities is offered, where that is not all of them.
    fn offered(&self) -> Option<Offered> {
        let rungs = ladder(&self.stream)?;
        let representation = rungs.first()?.representation;
        Some(Offered { representation, pictures: rungs.len() })
    }

    /// Whether what is offered does for all qualities; false while ffmpeg has not written all inits.
    async fn is_proved(&mut self) -> Result<bool, String> {
        let Some(rungs) = ladder(&self.stream).filter(|_| !self.is_proved) else { return Ok(true) };
        let run = self.run;
        let proved = self.disk(move |workspace| {
            Ok(trial::compare(&rungs, |rung| workspace.init(run, rung.representation)))
        });
        self.is_proved = proved.await.map_err(|error| error.to_string())??;
        Ok(self.is_proved)
    }

    /// Players may still be in the run that has failed: what it left half is made whole.
    pub(super) async fn keep_what_is_whole(&mut self) {
        if !self.is_ffmpeg() {
            return;
        }
        let run = self.run;
        let was_live = self.seat.status().state == State::Live;
        let length = self.disk(move |workspace| Ok(workspace.finish(run))).await.ok().flatten();
        if was_live {
            self.timeline.ended(length);
        }
        let kept: Vec<u64> = self.timeline.past_run().into_iter().collect();
        let tidied = self.disk(move |workspace| {
            workspace.keep_runs(&kept);
            Ok(())
        });
        let tidied = tidied.await;
        self.tell(tidied, "cannot tidy its folder");
    }
}
