//! The command line by its real output: each file under `tests/cmd/` is a
//! terminal session in a folder of its own.

#[test]
fn the_command_line_says_what_it_said() {
    trycmd::TestCases::new()
        .register_bin("chmod", std::path::Path::new("/bin/chmod"))
        .register_bin("mv", std::path::Path::new("/bin/mv"))
        .register_bin("rm", std::path::Path::new("/bin/rm"))
        .case("tests/cmd/*.trycmd")
        .case("tests/cmd/*.toml");
}
