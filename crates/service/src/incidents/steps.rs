//! One step: authorized, judged, recorded, kept, completed.

use gabion_incident::{Incident, Step, StorageError, StoredStep, What, step, text};
use gabion_model::{RequestId, Timestamp};
use gabion_vault::encoding::hex_encode;

use super::IncidentError;
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// An incident and its steps, as they are kept.
pub(super) struct Kept {
    pub(super) incident: Incident,
    pub(super) stored: Vec<StoredStep>,
    pub(super) steps: Vec<Step>,
}

/// A piece of evidence that is kept with its step.
pub(super) type Content = Option<(u64, Vec<u8>)>;

impl Service {
    /// Takes a step of an incident: `make` sees it as it is now and says what is to happen. Others wait meanwhile.
    pub(super) async fn step(
        &self,
        act: Act,
        caller: &Caller,
        id: u64,
        make: impl FnOnce(&Inner, &Kept) -> Result<(What, Content), IncidentError> + Send + 'static,
    ) -> Result<Incident, IncidentError> {
        let (service, caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let asked = caller.clone();
            service.blocking(move |inner| inner.authorize(act, &asked)).await?;
            let _turn = service.0.responding.lock().await;
            let planned = caller.clone();
            let (incident, step, content) = service
                .blocking_or(move |inner| {
                    let kept = inner.kept(id)?;
                    let (what, content) = make(inner, &kept)?;
                    let former = kept.stored.last().map_or_else(|| step::beginning(id), |last| last.digest);
                    let mut incident = kept.incident;
                    let step = inner.next(&planned, incident.steps, incident.changed, what);
                    incident.take(&step)?;
                    let step = inner.seal(&former, &step)?;
                    Ok::<_, IncidentError>((incident, step, content))
                })
                .await?;
            service.keep_step(act, &caller, incident, step, content).await
        })
        .await
    }

    /// Takes the first step of an incident. `make` is asked for it while no other step is taken.
    pub(super) async fn first_step(
        &self,
        act: Act,
        caller: &Caller,
        make: impl FnOnce(&Inner) -> Result<What, IncidentError> + Send + 'static,
    ) -> Result<Incident, IncidentError> {
        let (service, caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let asked = caller.clone();
            service.blocking(move |inner| inner.authorize(act, &asked)).await?;
            let _turn = service.0.responding.lock().await;
            let planned = caller.clone();
            let (incident, step) = service
                .blocking_or(move |inner| {
                    let id = inner.desk.load().storage.latest()?.saturating_add(1);
                    let what = make(inner)?;
                    let step = inner.next(&planned, 0, Timestamp::from_micros(i64::MIN), what);
                    let incident = Incident::open(id, &step)?;
                    let step = inner.seal(&step::beginning(id), &step)?;
                    Ok::<_, IncidentError>((incident, step))
                })
                .await?;
            service.keep_step(act, &caller, incident, step, None).await
        })
        .await
    }

    async fn keep_step(
        &self,
        act: Act,
        caller: &Caller,
        incident: Incident,
        sealed: Sealed,
        content: Content,
    ) -> Result<Incident, IncidentError> {
        let mut caller = caller.clone();
        caller.request_id.get_or_insert_with(|| RequestId::random(&*self.0.rng));
        let mut about = About::of(incident.name())
            .with("incident", incident.id.to_string())
            .with("step", sealed.number.to_string())
            .with("digest", hex_encode(&sealed.digest))
            .with("what", sealed.what)
            .with("class", incident.class.as_str())
            .with("state", incident.state.as_str());
        let title = incident.title.clone();
        // Whoever it names is erased from it here, and could not be there.
        if !self.blocking_or(move |inner| inner.names_somebody(&title)).await? {
            about = about.with("title", text::clipped(&incident.title, 120));
        }
        about.severity = Some(incident.class.severity());
        let begun = self.0.begin(act, &caller, about).await?;
        let stored = StoredStep {
            number: sealed.number,
            step: sealed.bytes,
            digest: sealed.digest,
            record: begun.position.0,
        };
        let (id, is_closed) = (incident.id, incident.closed.is_some());
        let kept = self
            .blocking_or(move |inner| {
                let content = content.as_ref().map(|(id, bytes)| (*id, bytes.as_slice()));
                let appended = inner.desk.load().storage.append(id, &stored, is_closed, content);
                appended.map_err(|error| match error {
                    StorageError::Taken => {
                        IncidentError::invalid("step", "somebody else was quicker; look again")
                    }
                    error => error.into(),
                })
            })
            .await;
        begun.complete(&self.0, kept.as_ref().err().map(ToString::to_string)).await;
        kept.map(|()| incident)
    }
}

impl Inner {
    /// An incident as it is kept.
    pub(super) fn kept(&self, id: u64) -> Result<Kept, IncidentError> {
        let stored = self.desk.load().storage.steps(id)?;
        if stored.is_empty() {
            return Err(IncidentError::NotFound);
        }
        let damaged = |step| IncidentError::Damaged { incident: id, step };
        let mut former = step::beginning(id);
        let mut steps = Vec::with_capacity(stored.len());
        for one in &stored {
            former = step::digest(&former, &one.step);
            let read = self.opened_step(&one.step)?.ok_or_else(|| damaged(one.number))?;
            if former != one.digest || read.number != one.number {
                return Err(damaged(one.number));
            }
            steps.push(read);
        }
        let incident = Incident::of(id, &steps).map_err(|_| damaged(steps.len() as u64))?;
        Ok(Kept { incident, stored, steps })
    }

    fn seal(&self, former: &[u8; 32], step: &Step) -> Result<Sealed, IncidentError> {
        let bytes = self.sealed_step(step)?;
        if bytes.len() > step::LONGEST {
            return Err(IncidentError::invalid("step", format!("has more than {} bytes", step::LONGEST)));
        }
        let digest = step::digest(former, &bytes);
        Ok(Sealed { number: step.number, bytes, digest, what: step.what.name() })
    }

    fn next(&self, caller: &Caller, former: u64, changed: Timestamp, what: What) -> Step {
        Step {
            number: former.saturating_add(1),
            // A clock that went backwards must not put a step before its cause.
            at: self.clock.now().max(changed),
            by: gabion_incident::timeline::who(&caller.actor),
            from: caller.address,
            what,
        }
    }
}

struct Sealed {
    number: u64,
    bytes: Vec<u8>,
    digest: [u8; 32],
    what: &'static str,
}
