//! One review from its body to its answer, in time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use waxseal_oci::Reference;

use crate::decider::{Decider, Place};
use crate::limits;
use crate::review::{
    Answer, Door, ImageReview, Judgement, Outcome, Plan, Reason, Review, Rules, Unreadable, Work,
    conclude, plan,
};

/// Answers reviews. Cheap to clone.
#[derive(Clone)]
pub struct Checker {
    decider: Arc<dyn Decider>,
    rules: Arc<Rules>,
    images: Arc<Semaphore>,
    trees: Arc<Semaphore>,
}

/// Until when an answer must be there, and how long that was when the time began.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    end: Instant,
    span: Duration,
}

impl Deadline {
    /// `span` from now.
    #[must_use]
    pub fn within(span: Duration) -> Self {
        Self {
            end: Instant::now() + span,
            span,
        }
    }

    /// The moment.
    #[must_use]
    pub fn end(self) -> Instant {
        self.end
    }

    /// The whole time that there was.
    #[must_use]
    pub fn span(self) -> Duration {
        self.span
    }
}

/// A document that was read and can be answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Question {
    /// Of a webhook.
    Admission(Box<Review>),
    /// Of the ImagePolicyWebhook.
    Images(ImageReview),
}

impl Question {
    /// Reads what is asked at `door`. `body` is untrusted.
    ///
    /// # Errors
    /// [`Unreadable`] where there is nothing that can be answered.
    pub fn parse(body: &[u8], door: Door) -> Result<Self, Unreadable> {
        match door {
            Door::ImageReview => Ok(Self::Images(ImageReview::parse(body)?)),
            Door::Mutate | Door::Validate => Ok(Self::Admission(Box::new(Review::parse(body)?))),
        }
    }

    /// Whether what is in it becomes a large tree when it is looked at.
    fn is_large(&self) -> bool {
        let length =
            |text: &Option<Box<RawValue>>| text.as_ref().map_or(0, |text| text.get().len());
        let bytes = match self {
            Self::Images(review) => review.containers.get().len(),
            Self::Admission(review) => match &review.request {
                Ok(request) => length(&request.object) + length(&request.old_object),
                Err(_) => 0,
            },
        };
        bytes >= limits::LARGE_BYTES
    }

    /// The body that says `answer`.
    #[must_use]
    pub fn response(&self, answer: &Answer) -> Vec<u8> {
        match self {
            Self::Admission(review) => answer.response(review),
            Self::Images(review) => review.response(answer),
        }
    }
}

impl Checker {
    /// Reads requests by `rules` and asks `decider`.
    #[must_use]
    pub fn new(decider: Arc<impl Decider>, rules: Rules) -> Self {
        Self {
            decider,
            rules: Arc::new(rules),
            images: Arc::new(Semaphore::new(limits::IMAGES_IN_FLIGHT)),
            trees: Arc::new(Semaphore::new(limits::LARGE_TREES)),
        }
    }

    /// Who is asked.
    #[must_use]
    pub fn decider(&self) -> &dyn Decider {
        self.decider.as_ref()
    }

    /// The answer to `question`, by the deadline at the latest.
    pub async fn answer(&self, question: &Question, door: Door, deadline: Deadline) -> Answer {
        let place = match question {
            Question::Images(review) => Place::new(review.namespace.clone()),
            Question::Admission(review) => match &review.request {
                Ok(request) => Place::new(request.namespace.clone()),
                Err(error) => return Answer::unreadable(error),
            },
        };
        let Ok(plan) = timeout_at(deadline.end(), self.plan(question, door)).await else {
            let message = "could not check: too many large reviews at one time; try again";
            return Answer::new(Outcome::Unable, Reason::Deadline, message.to_owned());
        };
        match plan {
            Plan::Allow(skip) => skip.answer(),
            Plan::Refuse(answer) => answer,
            Plan::Check(work) => {
                let judgements = self.judge(&work, place, deadline).await;
                conclude(&work, &judgements, door)
            }
        }
    }

    /// What must be checked. Few large objects are looked at at one time.
    async fn plan(&self, question: &Question, door: Door) -> Plan {
        let _permit = match question.is_large() {
            true => self.trees.acquire().await.ok(),
            false => None,
        };
        match question {
            Question::Images(review) => review.plan(&self.rules),
            Question::Admission(review) => match &review.request {
                Ok(request) => plan(request, &self.rules, door),
                Err(error) => Plan::Refuse(Answer::unreadable(error)),
            },
        }
    }

    /// What is found out about each image of `work`, all at the same time.
    async fn judge(&self, work: &Work, place: Place, deadline: Deadline) -> Vec<Judgement> {
        let late = Judgement::new(
            Outcome::Unable,
            Reason::Deadline,
            format!(
                "no decision within {}; try again, or give the webhook more time",
                seconds(deadline.span())
            ),
        );
        let mut judgements = vec![late; work.images.len()];
        let place = Arc::new(place);
        let mut tasks = JoinSet::new();
        let mut running = std::collections::HashMap::new();
        for (index, image) in work.images.iter().enumerate() {
            let task = self
                .clone()
                .one(image.clone(), Arc::clone(&place), deadline);
            running.insert(tasks.spawn(async move { (index, task.await) }).id(), index);
        }
        while let Ok(Some(ended)) = timeout_at(deadline.end(), tasks.join_next()).await {
            let (index, judgement) = match ended {
                Ok((index, judgement)) => (Some(index), judgement),
                Err(error) => (running.get(&error.id()).copied(), fault()),
            };
            if let Some(place) = index.and_then(|index| judgements.get_mut(index)) {
                *place = judgement;
            }
        }
        // What is still running goes on for a while: the next review of the
        // same image then finds the decision made.
        tasks.detach_all();
        judgements
    }

    async fn one(self, image: Reference, place: Arc<Place>, deadline: Deadline) -> Judgement {
        let work = async {
            let permit = timeout_at(deadline.end(), self.images.acquire()).await;
            let Ok(Ok(_permit)) = permit else {
                return Judgement::new(
                    Outcome::Unable,
                    Reason::Deadline,
                    "too many images are being checked",
                );
            };
            self.decider.decide(&image, &place).await
        };
        let most = deadline.span() + limits::LATE_WORK;
        timeout(most, work).await.unwrap_or_else(|_| {
            Judgement::new(Outcome::Unable, Reason::Deadline, "the check does not end")
        })
    }
}

/// What is said where our own code failed.
#[must_use]
pub fn fault() -> Judgement {
    Judgement::new(
        Outcome::Unable,
        Reason::Internal,
        "a fault in waxseal-admission; its log says more",
    )
}

fn seconds(span: Duration) -> String {
    let text = format!("{:.1}", span.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}
