# The two commands of a newcomer, and their longer sisters. Everything else is `cargo xtask`.

.PHONY: quickstart test conformance nightly packages cargo

# Backs up a real disk, changes it, backs it up again, destroys it, restores it and compares.
# ARGS goes to the program: make quickstart ARGS='--disk IMAGE'
quickstart: packages
	cargo build --release --locked --package strongroom
	"$${CARGO_TARGET_DIR:-target}/release/strongroom" quickstart $(ARGS)

# Exactly what CI runs.
test: packages
	cargo xtask ci

# Clients as their users install them back disks up, restore them and compare every byte.
conformance: packages
	cargo xtask conformance

# CI and what takes longer: fuzzing, torture, the boot proof, the bench.
nightly: packages
	cargo xtask nightly

# The linker that .cargo/config.toml names must be there before cargo can build anything at all.
packages: cargo
	@scripts/packages.sh base

cargo:
	@command -v cargo >/dev/null || { \
	    echo "error: cargo is not on PATH; install Rust with rustup (rust-toolchain.toml pins the version)" >&2; exit 1; }
