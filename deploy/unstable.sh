# unstable PACKAGE FOLDER: unpacks a package of Debian's unstable branch, from the mirror that this system uses, into a
# folder. Nothing is installed. To be sourced.
unstable() (
    set -e
    package=$1 folder=$2
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian$')
    mkdir -p "$scratch/lists/partial" "$folder"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site sid main" >"$scratch/list"
    options=(-qq -o "Dir::Etc::sourcelist=$scratch/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$scratch/lists")
    options+=(-o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    cd "$scratch"
    apt-get "${options[@]}" download "$package"
    dpkg -x "$package"*.deb "$folder"
)
