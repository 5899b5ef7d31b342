//! SBOMs that are made of an image's layers, to be attested.

use waxseal_sbom::{Member, Target, aggregate};

use crate::context::Context;
use crate::error::Failure;
use crate::inventory;
use crate::store::Image;

/// An SBOM, and the image that it is of.
pub(crate) struct Generated {
    pub(crate) image: Image,
    pub(crate) document: Vec<u8>,
}

/// Makes the SBOM of an image. Of an index: one of each of its images, and last
/// one of the index, which refers to them.
pub(crate) async fn generate(context: &Context, image: &Image) -> Result<Vec<Generated>, Failure> {
    let created = inventory::created()?;
    let repository = &image.repository;
    let Some(members) = inventory::members(context, repository, image.digest()).await? else {
        let (_, document) = one(context, image, None).await?;
        let image = image.clone();
        return Ok(vec![Generated { image, document }]);
    };
    if members.is_empty() || members.len() > MEMBERS {
        return Err(Failure::new(format_args!(
            "{}: an SBOM is made of an index of 1 to {MEMBERS} images with platforms, and it has {}",
            image.name(),
            members.len()
        )));
    }
    let mut all = Vec::new();
    let mut targets = Vec::new();
    for (descriptor, platform) in members {
        let member = Image {
            repository: repository.clone(),
            descriptor,
        };
        let (target, document) = one(context, &member, Some(&platform)).await?;
        targets.push(target);
        all.push(Generated {
            image: member,
            document,
        });
    }
    let pairs = targets.iter().zip(&all);
    let pairs: Vec<Member<'_>> = pairs
        .map(|(target, made)| Member {
            target,
            document: &made.document,
        })
        .collect();
    let whole = Target::image(repository, image.digest());
    let document = aggregate(&whole, &pairs, created);
    all.push(Generated {
        image: image.clone(),
        document,
    });
    Ok(all)
}

async fn one(
    context: &Context,
    image: &Image,
    platform: Option<&str>,
) -> Result<(Target, Vec<u8>), Failure> {
    let name = image.name();
    let reference = image.repository.at(image.digest());
    let taken = inventory::of_image(context, &reference, None).await;
    let taken = taken.map_err(|failure| failure.context(format_args!("the SBOM of {name}")))?;
    inventory::warn(context, &taken.inventory);
    context.note(format_args!(
        "{name}: {} package{}",
        taken.inventory.components.len(),
        if taken.inventory.components.len() == 1 {
            ""
        } else {
            "s"
        }
    ));
    let target = match platform {
        Some(platform) => taken.target.for_platform(platform),
        None => taken.target,
    };
    let document = taken.inventory.to_cyclonedx(&target, inventory::created()?);
    Ok((target, document))
}

/// Images of an index whose SBOMs are made.
const MEMBERS: usize = 64;
