//! `halfstep migrations split`: one migration in, files for expand and contract out, each with its way back.
//!
//! ```text
//!  FILE ─▶ home (folder, tool) ─▶ read and judged ─▶ pieces ─▶ splits, on what the database holds ─▶ files ─▶ written
//!  --rename … ─▶ wishes ────────────────────────────────┘
//! ```
//!
//! What is made of a wish is `migration::split`'s business. Nothing is written before all of it is known.

mod home;
mod shown;
mod wishes;
mod write;

use super::super::{Answer, Refusal, place};
use super::project;
use crate::cli::migrations::split::SplitArguments;
use crate::cli::{ExitStatus, Global};
use crate::config::Files;
use crate::database;
use crate::migration::split::files::{self, Home, Output};
use crate::migration::split::recognise::{Found, Piece, Reader};
use crate::migration::split::{Fill, Human, Split, Wish, plan};
use crate::migration::{Catalogue, Context, Dialect, Language, Tool, file, layout, read};
use crate::migration_source::beside;
use crate::model::{Failure, Secret};

/// All that was made, before any of it is written.
struct Made {
    home: Home,
    splits: Vec<Split>,
    outputs: Vec<Output>,
}

/// Splits, writes and says what was written.
pub async fn split(global: &Global, arguments: &SplitArguments) -> Answer {
    let knows_all = arguments.database.is_some() && (arguments.path.is_some() || arguments.file.is_some());
    let configured = if knows_all { None } else { configured(global)? };
    let secret = database_of(configured.as_ref(), arguments)?;
    let catalogue = match &secret {
        Some(secret) => Some(held(secret).await?),
        None => None,
    };
    match made(arguments, configured.as_ref(), catalogue.as_ref())? {
        Err(human) => {
            shown::human(global, &human)?;
            Ok(ExitStatus::Refused)
        }
        Ok(made) if arguments.dry_run => {
            shown::dry(global, &made.home, &made.splits, &made.outputs)?;
            Ok(ExitStatus::Done)
        }
        Ok(made) => {
            write::all(&made.outputs)?;
            let gone = if arguments.replace { write::remove(&made.home)? } else { vec![] };
            shown::written(global, &made.home, &made.splits, &made.outputs, &gone)?;
            Ok(ExitStatus::Done)
        }
    }
}

/// What the config says of migrations; nothing where there is no config and none is named.
fn configured(global: &Global) -> Result<Option<Files>, Refusal> {
    match place::config_file(global) {
        Err(_) if global.config.is_none() => Ok(None),
        Err(failure) => Err(Refusal::Usage(failure)),
        Ok(_) => Ok(place::config(global)?.migrations.files),
    }
}

/// The url of the database, if one is named.
fn database_of(configured: Option<&Files>, arguments: &SplitArguments) -> Result<Option<Secret>, Refusal> {
    match arguments.database.as_deref() {
        Some(said) => project::secret(said).map(Some),
        None => Ok(configured.and_then(|files| files.database.clone())),
    }
}

async fn held(secret: &Secret) -> Result<Catalogue, Refusal> {
    let database = database::open(secret).map_err(Refusal::Usage)?;
    let mut session = database.session().await.map_err(Refusal::Failed)?;
    session.catalogue().await.map_err(|error| {
        let what = format!("{}: its catalogue cannot be read: {error}", database.place());
        Refusal::Failed(Failure::new(what).next("a role that may read the schema is enough"))
    })
}

fn made(
    arguments: &SplitArguments,
    configured: Option<&Files>,
    catalogue: Option<&Catalogue>,
) -> Result<Result<Made, Human>, Refusal> {
    let home = home::of(arguments, configured, catalogue.map(|catalogue| catalogue.dialect))?;
    let fill = Fill { up: arguments.up.clone(), down: arguments.down.clone(), value: arguments.fill.clone() };
    let mut pieces: Vec<Piece> = wishes::of(arguments, &fill)?.into_iter().map(Piece::Wish).collect();
    if arguments.file.is_some() {
        match pieces_of(&home, catalogue, &fill) {
            Ok(found) => pieces.extend(found),
            Err(human) => return Ok(Err(human)),
        }
    }
    Ok(finished(arguments, catalogue, home, &pieces))
}

/// Reads and judges the file, and takes it apart.
fn pieces_of(home: &Home, catalogue: Option<&Catalogue>, fill: &Fill) -> Result<Vec<Piece>, Human> {
    let taken = layout::read_as(home.tool, &home.original, &home.text, None);
    let path = std::path::Path::new(&home.original);
    let contents = read::read_beside(&home.text, &taken, home.dialect, &|name: &str| beside::module(path, name));
    let mut context = Context::new(catalogue);
    let judged = file::judge_file(&home.text, &taken, &contents, home.dialect, &mut context);
    let found: Vec<Found> = contents
        .statements
        .iter()
        .zip(&judged.statements)
        .map(|(written, judged)| Found {
            line: written.line,
            text: home.text.get(written.span.clone()).unwrap_or_default(),
            operations: &written.operations,
            judged,
        })
        .collect();
    if found.is_empty() {
        return Err(Human::because("there is no statement in it that runs on the way forward"));
    }
    Reader { dialect: home.dialect, catalogue, fill, is_sql: taken.language == Language::Sql }.pieces(&found)
}

fn finished(arguments: &SplitArguments, catalogue: Option<&Catalogue>, home: Home, pieces: &[Piece]) -> Result<Made, Human> {
    let wishes = pieces.iter().filter_map(|piece| match piece {
        Piece::Wish(wish) => Some(wish),
        Piece::Rest(_) => None,
    });
    let mut reasons = vec![];
    for wish in wishes {
        if catalogue.is_none() && wish.needs_catalogue() {
            let why = "types, indexes, constraints and triggers are known to the database only";
            reasons.push(format!("{}: {why}; give --database URL, of any database with the same schema", wish.title()));
        }
        let is_orm = matches!(home.tool, Tool::Rails | Tool::Django | Tool::Alembic);
        if matches!(wish, Wish::RenameTable { .. }) && is_orm && !arguments.with_view {
            let why = "the old version would work on a view, in which an ORM may find no primary key";
            reasons
                .push(format!("{}: {why}; tell the model its key and give --with-view, or keep the table's name", wish.title()));
        }
    }
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    let nothing = Catalogue::empty(home.dialect);
    let splits = plan::plan(pieces, catalogue.unwrap_or(&nothing), &home::word(&home))?;
    let outputs = files::files(&splits, &home)?;
    Ok(Made { home, splits, outputs })
}

/// What a file looks like, where nobody said.
fn dialect_of(path: &str, text: &str) -> Dialect {
    Dialect::guess(path, text).unwrap_or(Dialect::Postgres)
}
