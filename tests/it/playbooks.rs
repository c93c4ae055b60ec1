//! Playbook files: one bad file per mistake, the schema that editors use, those that we ship, and the page about them.

use crate::bad_files;
use serde_json::Value as Json;
use std::path::Path;
use vigie::connectors::Library as Connectors;
use vigie::domain::ids::{RoleName, ToolName};
use vigie::domain::tool::{Catalogue, Values};
use vigie::playbooks::{Checked, Known, Library, check, reference, schema};
use vigie::yaml::Problem;

/// Each tool that we ship a connector for, under its own name.
fn catalogue() -> Catalogue {
    let tools = Connectors::shipped().all().map(|(name, spec)| {
        let name = ToolName::from(name);
        (name.clone(), spec.tool(name, Values::new()).into())
    });
    Catalogue(tools.collect())
}

fn read(text: &str) -> Result<Checked, Vec<Problem>> {
    let roles = ["analyst", "lead"].map(RoleName::from);
    check("p.yaml", text, Known { catalogue: &catalogue(), roles: Some(&roles) })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn each_mistake_of_a_playbook_is_told_with_its_place_and_the_way_out() {
    let read = |text: &str| read(text).err().unwrap_or_default();
    bad_files::Kind { folder: "playbooks", file: "p.yaml", read: &read }.each_is_told_as_expected();
}

/// What is right in shape, and what only the check can know: names in expressions, and roles.
const BEYOND_A_SCHEMA: [&str; 19] = [
    "ask-choose-text",
    "ask-unknown",
    "error-outside",
    "filter-unknown",
    "for-each-text",
    "item-outside",
    "let-mistyped",
    "output-unknown",
    "say-unknown-name",
    "step-gives-nothing",
    "step-id-twice",
    "step-later",
    "step-unknown",
    "when-asks",
    "when-broken",
    "when-severity",
    "when-unknown-name",
    "who-unknown",
    "with-wrong-answer",
];

/// As the check reads it: `say: y` is a text.
fn yaml(text: &str) -> Option<Json> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).ok()
}

/// What the schema of these tools says against each text.
pub fn told_by_the_schema<'a>(
    texts: impl Iterator<Item = &'a str>,
    catalogue: &Catalogue,
) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema(catalogue)).expect("a schema");
    let values = texts.map(|text| yaml(text).expect("it is YAML"));
    values
        .flat_map(|value| {
            validator.iter_errors(&value).map(|why| why.to_string()).collect::<Vec<_>>()
        })
        .collect()
}

/// That it takes whatever the check takes is held of every story's playbooks too, where they are written.
#[test]
fn the_schema_refuses_whatever_is_wrong_in_shape_and_takes_all_that_we_ship() {
    let told = told_by_the_schema(Library::texts().map(|(_, text)| text), &catalogue());
    assert_eq!(told, Vec::<String>::new());
    let validator = jsonschema::draft202012::new(&schema(&catalogue())).expect("a schema");
    let taken: Vec<String> = bad_files::of("playbooks")
        .into_iter()
        .filter(|(_, text)| yaml(text).is_some_and(|value| validator.is_valid(&value)))
        .map(|(path, _)| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(taken, BEYOND_A_SCHEMA, "the schema takes these, though they are wrong");
}

#[test]
fn every_playbook_that_we_ship_is_right_and_has_what_it_needs() {
    let roles = ["analyst", "lead"].map(RoleName::from);
    let catalogue = catalogue();
    let library = Library::shipped(Known { catalogue: &catalogue, roles: Some(&roles) });
    let told: Vec<_> = library.warnings.iter().map(|warning| warning.to_string()).collect();
    assert_eq!((told.as_slice(), library.waiting.as_slice()), (&[][..], &[][..]));
    let names: Vec<_> = library.playbooks.0.keys().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "enrich",
            "isolate-host",
            "jira-ticket",
            "leaked-secret",
            "lift-containment",
            "suspend-user"
        ]
    );
    let mut files: Vec<_> = std::fs::read_dir(root().join("playbooks"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.retain(|file| file != "tests");
    files.sort();
    assert_eq!(files, names.iter().map(|name| format!("{name}.yaml")).collect::<Vec<_>>());
}

#[test]
fn what_lacks_a_tool_or_a_role_waits_and_is_no_mistake() {
    let mut catalogue = catalogue();
    catalogue.0.remove(&ToolName::from("jira"));
    let roles = [RoleName::from("analyst")];
    let library = Library::shipped(Known { catalogue: &catalogue, roles: Some(&roles) });
    let waits: Vec<_> = library
        .waiting
        .iter()
        .map(|waiting| {
            let tools: Vec<_> = waiting.tools.iter().map(|tool| tool.as_str()).collect();
            format!("{}: {}", waiting.name, waiting.why.clone().unwrap_or_else(|| tools.join(", ")))
        })
        .collect();
    let lead = "there is no role `lead` in vigie.yaml";
    assert_eq!(
        waits,
        [
            format!("isolate-host: {lead}"),
            "jira-ticket: jira".to_owned(),
            "leaked-secret: jira".to_owned(),
            format!("lift-containment: {lead}"),
            format!("suspend-user: {lead}"),
        ]
    );
}

/// A team's own file takes the place of ours; one mistake in the folder is told, and nothing of it is taken.
#[test]
fn check_warns_of_approvals_that_nobody_can_ever_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let playbooks = folder.path().join("playbooks");
    std::fs::create_dir_all(&playbooks).expect("a folder");
    let text = "title: T\napprove: {by: lead, quorum: 2}\nsteps: [{say: x}]\n";
    std::fs::write(playbooks.join("two.yaml"), text).expect("a file");
    let checked = |leads: &str| {
        let config = format!(
            "slack: {{channel: \"#soc\"}}\nsources: {{scanner: {{type: generic, auth: none}}}}\nroutes: [{{name: all}}]\n\
             roles: {{analyst: {{users: [a@example.com]}}, lead: {leads}}}\n"
        );
        std::fs::write(folder.path().join("vigie.yaml"), config).expect("a file");
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_vigie"));
        let check = check.args(["check", "--without-secrets"]).current_dir(folder.path());
        let output = check.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told = checked("{users: [b@example.com]}");
    let warned = "playbooks/two.yaml: it takes 2 approvals by `lead`, of whom there are 1";
    assert!(told.contains(warned), "{told}");
    for enough in ["{users: [b@example.com, c@example.com]}", "{usergroups: [\"@leads\"]}"] {
        let told = checked(enough);
        assert!(!told.contains("approvals by"), "{told}");
    }
}

#[test]
fn a_folder_overrides_and_adds_by_file_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("enrich.yaml", "title: Our own\nsteps: [{say: x}]\n");
    write(
        "close-it.yaml",
        "title: Close it\nsteps: [{alert: {resolve: {disposition: duplicate}}}]\n",
    );
    write("notes.txt", "no playbook");
    let catalogue = catalogue();
    let known = Known { catalogue: &catalogue, roles: None };
    let library = Library::load(folder.path(), known).expect("good");
    let title = |name: &str| library.playbooks.0[&name.into()].title.clone();
    assert_eq!(
        (title("enrich"), title("close-it"), library.playbooks.0.len()),
        ("Our own".into(), "Close it".into(), 7)
    );
    write("Wrong Name.yaml", "titel: T\n");
    write("wrong.yaml", "title: T\nsteps: [{say: '{{ alrt.title }}'}]\n");
    let problems = Library::load(folder.path(), known).expect_err("two wrong files");
    let told: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "`titel` is no key of a playbook",
            "a playbook wants `title`",
            "a playbook wants `steps`",
            "`Wrong Name` can be no playbook's name",
            "there is no `alrt` here"
        ]
    );
    assert!(Library::load(&folder.path().join("none"), known).is_ok());
}

/// Whoever copies an example from the docs gets a playbook that works.
#[test]
fn every_example_of_the_playbooks_page_is_read() {
    let docs = include_str!("../../docs/playbooks.md");
    let blocks: Vec<_> =
        docs.split("```yaml\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    let (tests, blocks): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| block.starts_with("- name:"));
    assert_eq!((blocks.len(), tests.len()), (3, 1));
    let told = told_by_the_schema(blocks.iter().copied(), &catalogue());
    assert_eq!(told, Vec::<String>::new());
    for block in blocks {
        let told: String =
            read(block).err().unwrap_or_default().iter().map(|p| format!("{p}\n")).collect();
        assert!(told.is_empty(), "{told}");
    }
}

/// The tables of docs/playbooks.md are the ones that playbooks are checked against. To write them anew:
/// `VIGIE_WRITE_DOCS=1 cargo test --test it the_page_of_the_playbooks`.
#[test]
fn the_page_of_the_playbooks_has_every_key_as_it_is_checked() {
    let path = root().join("docs/playbooks.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let mut written = page.clone();
    for (place, table) in reference() {
        let mark = format!("<!-- keys: {place} -->\n");
        let start = page.find(&mark).unwrap_or_else(|| panic!("no place for {place}")) + mark.len();
        let end = page[start..].find("<!-- end -->").expect("the table ends") + start;
        let old = &page[start - mark.len()..end];
        written = written.replace(old, &format!("{mark}\n{table}\n"));
    }
    if std::env::var_os("VIGIE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).expect("written");
    }
    assert!(
        page == written,
        "the page is behind: VIGIE_WRITE_DOCS=1 cargo test --test it the_page_of_the_playbooks"
    );
}
