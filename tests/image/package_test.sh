#!/usr/bin/env bash
# From the .deb to results and back to a clean machine, in a fresh Debian 12: the packages are built and looked at, the
# one of the program is installed by apt, and echoscan(1) is followed, with the lab as the network. Then nothing is left
# but what the page says. What the unit of systemd would start is started as it would start it: there is no systemd here.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../lab/debian_base.sh"

for needed in debootstrap lintian mandoc man zsh fish systemd-analyze dpkg-shlibdeps file strace; do
  command -v $needed >/dev/null || skip "$needed is not installed; tests/install_packages.sh deb package"
done
[ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || skip "the module is not built; tests/install_packages.sh dpdk"
make_base || skip "the base cannot be made: $(tail -1 "$work/log")"
machine=$work/machine
mkdir "$machine"
tar -C "$machine" -xf "$cache/base.tar"
# A machine whose user reads man pages, and says yes to apt.
rm "$machine/etc/dpkg/dpkg.cfg.d/slim"
echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/unsafe-io"
echo 'APT::Get::Assume-Yes "true";' >"$machine/etc/apt/apt.conf.d/yes"

# CMD... on that machine, in its home, with proc and sys; its network is this process's.
on_machine() {
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" &&
    exec chroot "$0" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
      sh -c "cd /root && exec \"\$@\"" sh "$@"' "$machine" "$@"
}
in_lab() { ip netns exec "$ECHOSCAN_LAB-near" bash -c "$(declare -f on_machine); machine='$machine'; on_machine \"\$@\"" bash "$@"; }
# Its files, without what apt, dpkg and ldconfig keep for themselves, what a start begins anew (/run), and the copies of
# passwd and the like that are made whenever a package brings a user: dbus does, which libpcap's libraries recommend.
files() {
  (cd "$machine" && find . -xdev \( -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log \
    -o -path ./proc -o -path ./sys -o -path ./run -o -path ./root \) -prune -o -print |
    grep -vxE './etc/(ld\.so\.cache|(passwd|group|shadow|gshadow)-)' | sort)
}

# --- The packages.
for turn in first second; do
  cmake --build "$ECHOSCAN_BUILD" --target deb >"$work/log" 2>&1 || fail "the packages cannot be made"
  sha256sum "$ECHOSCAN_BUILD"/echoscan*_*.deb >"$work/$turn"
done
cmp "$work/first" "$work/second" || fail "the same program makes other packages the second time"
program=("$ECHOSCAN_BUILD"/echoscan_*.deb)
symbols=("$ECHOSCAN_BUILD"/echoscan-dbgsym_*.deb)
module=("$ECHOSCAN_BUILD"/echoscan-dpdk_*.deb)
expect_equal "packages" "${#program[@]} ${#symbols[@]} ${#module[@]}" "1 1 1"
for package in "${program[0]}" "${symbols[0]}" "${module[0]}"; do
  lintian --allow-root --fail-on error,warning "$package" >"$work/log" 2>&1 || fail "lintian says no to $package"
done
dpkg-deb -f "${program[0]}" Depends | tr ',' '\n' | awk '{ sub("-fmt9$", "", $1); print $1 }' | sort >"$work/depends"
{ awk '$2 == "run" { print $1 }' "$root/packages.txt"; printf '%s\n' libc6 libgcc-s1; } | sort |
  diff - "$work/depends" >"$work/log" || fail "the package depends on other libraries than packages.txt has"
build_id() { readelf -n "$1" | awk '/Build ID/ { print $3 }'; }
expect_equal "build id of dbgsym" "$(dpkg-deb -f "${symbols[0]}" Build-Ids)" "$(build_id "$echoscan")"
cmp <(dpkg-deb --fsys-tarfile "${program[0]}" | tar -xO ./etc/echoscan/exclude.txt) "$root/packaging/exclude.txt" ||
  fail "another exclude.txt"
expect_equal "conffiles" "$(dpkg-deb --ctrl-tarfile "${program[0]}" | tar -xO ./conffiles)" /etc/echoscan/exclude.txt

# The module's: DPDK's libraries are its own affair, and the drivers of cards those of the document.
abi=$(dpkg-deb -f "${module[0]}" Depends | sed -E 's/.*librte-eal([0-9]+).*/\1/')
expect_equal "what the module depends on" \
  "$(dpkg-deb -f "${module[0]}" Depends | tr ',' '\n' | awk '{ print $1 }' | sort | xargs)" \
  "$(printf '%s\n' echoscan libc6 libgcc-s1 libstdc++6 librte-{bus-pci,eal,ethdev,mbuf,mempool,mempool-ring}$abi | sort | xargs)"
expect_text <(dpkg-deb -f "${module[0]}" Depends) "echoscan (= $(dpkg-deb -f "${program[0]}" Version))"
expect_equal "drivers that the module's package suggests" "$(dpkg-deb -f "${module[0]}" Suggests | tr -d , | xargs)" \
  "$(sed -n 's/^|.*`\(librte-net-[a-z0-9-]*\)`.*/\1/p' "$root/docs/dpdk.md" | xargs)"
expect_equal "the module's files" "$(dpkg-deb -c "${module[0]}" | awk '$1 !~ /^d/ { print $6 }' | xargs)" \
  "./usr/lib/echoscan/libechoscan_dpdk.so ./usr/share/doc/echoscan-dpdk"

# --- What it is made of: each version is dpkg's, and each library is there.
dpkg-deb --fsys-tarfile "${program[0]}" | tar -xO ./usr/share/doc/echoscan/echoscan.spdx.json >"$work/spdx.json"
spdx() { jq -r "$1" "$work/spdx.json"; }
jq -e '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
  (.documentNamespace | startswith("urn:echoscan:spdx:")) and (.creationInfo | has("created") and has("creators")) and
  ([.packages[].SPDXID] | length == (unique | length)) and
  all(.packages[]; has("downloadLocation") and has("versionInfo") and has("licenseDeclared") and
    (.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$"))) and
  ([.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == [])' "$work/spdx.json" >/dev/null ||
  fail "the bill of materials is not SPDX 2.3"
while read -r name version; do
  expect_equal "version of $name" "$version" "$(dpkg-query -W -f='${Version}' "$name")"
done < <(spdx '.packages[] | select(.externalRefs) | "\(.name) \(.versionInfo)"')
spdx '(.packages | map({key: .SPDXID, value: .name}) | from_entries) as $name |
  .relationships[] | select(.relationshipType == "DYNAMIC_LINK") | $name[.relatedSpdxElement]' | sort | diff - "$work/depends" >"$work/log" || fail "the bill of materials has other libraries"
# What it says to contain is in the program, byte for byte.
for script in $(spdx '(.packages | map({key: .SPDXID, value: .name}) | from_entries) as $name |
  .relationships[] | select(.relationshipType == "CONTAINS") | $name[.relatedSpdxElement]' |
  xargs dpkg -L | grep -E '/javascript/.*/(chart|leaflet)\.min\.js$'); do
  python3 -c 'import sys; sys.exit(open(sys.argv[1], "rb").read().strip() not in open(sys.argv[2], "rb").read())' \
    "$script" "$echoscan" || fail "$script is not in the program"
  echo "$script" >>"$work/scripts"
done
expect_equal "scripts that were compared" "$(wc -l <"$work/scripts")" 2
expect_equal "licences of what is built in" "$(spdx '[.packages[] | select(.name | test("^libjs")) | .licenseDeclared] | join(" ")')" \
  "MIT BSD-2-Clause"

# --- The page, from installing on. Its interface is called eth0.
lab up
ip -n "$ECHOSCAN_LAB-near" link set lab0 down
ip -n "$ECHOSCAN_LAB-near" link set lab0 name eth0
ip -n "$ECHOSCAN_LAB-near" link set eth0 up
ip -n "$ECHOSCAN_LAB-near" route add default via 192.0.2.2
on_machine apt-get update >"$work/log" 2>&1 || fail "apt-get update ended with $?"
cp "${program[0]}" "$machine/root/"
files >"$work/before"
dpkg-deb --fsys-tarfile "${program[0]}" | tar -xO ./usr/share/man/man1/echoscan.1.gz | gzip -dc |
  sed -n '/^.SH "FROM INSTALLING/,/^.EE/p' | sed -n '/^.EX/,/^.EE/p' | grep -v '^\.E' |
  sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\&//g; s/\\e/\\/g' >"$work/page"
expect_equal "commands of the page" "$(cut -d' ' -f1 "$work/page" | xargs)" \
  "apt echoscan echo echoscan echoscan echoscan apt"
follow() { # FIRST LAST, lines of the page; echoscan's in the lab, apt's where packages come from
  local line
  while read -r line; do
    case $line in
      apt*) on_machine sh -c "$line" </dev/null >"$work/said" 2>"$work/log" || fail "'$line' ended with $?" ;;
      *) in_lab sh -c "$line" </dev/null >"$work/said" 2>"$work/log" || fail "'$line' ended with $?" ;;
    esac
    [ -s "$work/said" ] || [[ $line == *'>'* || $line == *' -o '* ]] || fail "'$line' prints nothing"
  done < <(sed -n "$1,$2p" "$work/page")
}
follow 1 6
expect_text "$work/said" "of asked"
cp "$machine/root/results.jsonl" "$work/out"
cp "$machine/root/summary.json" "$work/summary"
expect_truth 10.20.0.0/20
expect_equal "sending" "$(summary '.sending.queues[0].mode')" "AF_XDP copy"
expect_equal "receiving" "$(summary .receiving.mode)" "XDP native"
expect_equal "label" "$(jq -r .label "$work/out" | sort -u)" office

# --- Pages and completions are there, and have each option of the program that is installed.
share=$machine/usr/share
installed() { on_machine /usr/bin/echoscan "$@"; }
installed --help-json >"$work/commands"
for command in $(jq -r '.commands[].name' "$work/commands"); do
  page=$share/man/man1/echoscan-$command.1.gz
  [ -e "$page" ] || fail "there is no page of $command"
  gzip -dc "$page" | sed 's/\\-/-/g' >"$work/text"
  installed "$command" --help-json | jq -r '.options[] | select(.argument | not) | .names[]' >"$work/options"
  [ "$(wc -l <"$work/options")" -ge 8 ] || fail "$command has only $(wc -l <"$work/options") names of options"
  awk "/^    $command\\)/,/ esac ;;/" "$share/bash-completion/completions/echoscan" >"$work/bash"
  awk "/^    $command\\)/,/ ;;\$/" "$share/zsh/vendor-completions/_echoscan" >"$work/zsh"
  grep "from $command'" "$share/fish/vendor_completions.d/echoscan.fish" >"$work/fish"
  while read -r option; do
    grep -qF -e "\\fB$option\\fR" "$work/text" || fail "the page of $command has no $option"
    grep -qw -e "$option" "$work/bash" || fail "bash knows no $command $option"
    grep -qF -e "${option}[" "$work/zsh" || fail "zsh knows no $command $option"
    grep -qE -e "$(sed -E 's/^--/ -l /; s/^-([a-zA-Z])$/ -s \1/' <<<"$option") " "$work/fish" || fail "fish knows no $command $option"
  done <"$work/options"
done
for page in "$share"/man/man[15]/echoscan*; do
  gzip -dc "$page" >"$work/page.roff"
  mandoc -T lint -W warning "$work/page.roff" >"$work/log" || fail "mandoc does not like $page"
  LC_ALL=C.UTF-8 man --warnings=all -Tutf8 -Z -l "$work/page.roff" >"$work/formatted" 2>"$work/log"
  [ ! -s "$work/log" ] || fail "groff warns of $page"
  [ -s "$work/formatted" ] || fail "$page is empty"
done
on_machine bash -c '. /usr/share/bash-completion/completions/echoscan && complete -p echoscan' >"$work/said"
expect_equal "completion" "$(cat "$work/said")" "complete -F _echoscan echoscan"
complete_in_bash() { # WORD...: what the last one becomes
  on_machine bash -c '. /usr/share/bash-completion/completions/echoscan
    COMP_WORDS=(echoscan "$@") COMP_CWORD=$#; _echoscan 2>/dev/null; echo "${COMPREPLY[*]}"' bash "$@"
}
expect_equal "bash, a command" "$(complete_in_bash do)" doctor
expect_equal "bash, an option" "$(complete_in_bash scan --status-)" "--status-file --status-interval"
expect_equal "bash, a value" "$(complete_in_bash scan --status o)" off
expect_equal "bash, a file" "$(complete_in_bash scan -t net)" networks.txt
expect_equal "bash, the second of a list" "$(complete_in_bash scan --fields target,rtt_u)" target,rtt_us
expect_equal "zsh" "$(zsh -fc "fpath=('$share/zsh/vendor-completions' \$fpath); autoload -U compinit; compinit -u -D
  zsh -n '$share/zsh/vendor-completions/_echoscan' && print \$_comps[echoscan]")" _echoscan
# At a terminal of its own: an option, the word of an option, a file.
cat >"$work/type.zsh" <<'EOF'
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f"
zpty -w shell "cd '$2'; fpath=('$1' \$fpath); autoload -U compinit; compinit -u -D; print begin | tr a-z A-Z"
zpty -r shell said '*BEGIN*'
for typed becomes in 'scan --status-f' 'status-file' 'scan --status o' 'status off' 'merge netw' 'merge networks.txt'; do
  zpty -n -w shell $'\x15'"echoscan $typed"$'\t'
  zpty -r shell said "*$becomes*" || exit 1
  print $becomes
done
EOF
expect_equal "zsh at a terminal" \
  "$(timeout 60 zsh -f "$work/type.zsh" "$share/zsh/vendor-completions" "$machine/root" | paste -sd,)" \
  "status-file,status off,merge networks.txt"
expect_equal "fish" "$(HOME=$work fish -c "source '$share/fish/vendor_completions.d/echoscan.fish'
  complete -C 'echoscan doc'; complete -C 'echoscan scan --status o'" | cut -f1 | xargs)" "doctor off"

# --- The service: the unit is sound, its sandbox is tight, and a scan can live in it.
unit=$machine/usr/lib/systemd/system/echoscan@.service
sed "s|^ExecStart=echoscan |ExecStart=$echoscan |" "$unit" >"$work/echoscan@lab.service"
systemd-analyze verify --man=no "$work/echoscan@lab.service" >"$work/log" 2>&1 || fail "the unit is not sound"
[ ! -s "$work/log" ] || fail "systemd warns of the unit"
systemd-analyze security --offline=true --no-pager --threshold=30 "$work/echoscan@lab.service" >"$work/log" 2>&1 ||
  fail "the unit's exposure is above 3.0"
setting() { sed -n "s/^$1=//p" "$unit"; }
expect_equal "what is kept" "$(setting AmbientCapabilities)" "$(setting CapabilityBoundingSet)"
capabilities=$(setting AmbientCapabilities | sed 's/CAP_//g; s/ /,+/g; s/^/+/' | tr 'A-Z' 'a-z')
sed 's/^#interface.*/interface = "eth0"/; s/^rate.*/rate = "20k"/' "$share/doc/echoscan/examples/scan.conf" \
  >"$machine/etc/echoscan/lab.conf"
printf 'allow-reserved = true\ncooldown = 1\n' >>"$machine/etc/echoscan/lab.conf"
echo 10.20.0.0/20 >"$machine/etc/echoscan/targets.txt"
state=/var/lib/echoscan/lab
on_machine install -d -o nobody -g nogroup $state
start=$(setting ExecStart | sed 's/%i/lab/')
ip netns exec "$ECHOSCAN_LAB-near" strace -f -qq -o "$work/calls" bash -c "$(declare -f on_machine); machine='$machine'
  on_machine setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --bounding-set '-all,$capabilities' \
    --inh-caps '-all,$capabilities' --ambient-caps '-all,$capabilities' sh -c 'cd $state && exec $start'" \
  >"$work/said" 2>"$work/log" || fail "'$start' ended with $?"
cp "$machine$state/results.jsonl" "$work/out"
cp "$machine$state/summary.json" "$work/summary"
expect_truth 10.20.0.0/20
expect_equal "sending" "$(summary '.sending.queues[0].mode')" "AF_XDP copy"
expect_equal "receiving" "$(summary .receiving.mode)" "XDP native"
expect_equal "whose results" "$(stat -c %U "$machine$state/results.jsonl")" nobody
# Every system call of it is in the unit's filter, whose groups systemd knows.
expand() { # NAME...
  local name
  for name in "$@"; do
    if [[ $name == @* ]]; then
      expand $(systemd-analyze --no-pager syscall-filter "$name" 2>/dev/null | sed '1d; s/#.*//')
    else
      echo "$name"
    fi
  done
}
expand $(setting SystemCallFilter) | sort -u >"$work/allowed"
awk '/execve\("[^"]*\/echoscan"/ { begun = 1; next } begun' "$work/calls" >"$work/its-calls"
sed -nE 's/^[0-9]+ +(<\.\.\. )?([a-z0-9_]+)(\(| resumed).*/\2/p' "$work/its-calls" | sort -u >"$work/called"
[ "$(wc -l <"$work/called")" -ge 40 ] || fail "only $(wc -l <"$work/called") system calls were seen"
expect_equal "system calls outside the filter" "$(comm -23 "$work/called" "$work/allowed" | xargs)" ""
# Nor does it ask for what other directives deny: sockets of other families, memory to write and to execute, namespaces,
# files to write anywhere but in its folder.
families=$(grep -oE 'socket\(AF_[A-Z0-9]+' "$work/its-calls" | sed 's/.*(//' | sort -u)
[ "$(wc -w <<<"$families")" -ge 3 ] || fail "only these families of sockets were seen: $families"
expect_equal "families outside the list" \
  "$(comm -23 <(echo "$families") <(setting RestrictAddressFamilies | tr ' ' '\n' | sort) | xargs)" ""
expect_equal "what the unit denies" "$(grep -cE 'PROT_WRITE\|PROT_EXEC|CLONE_NEW|SCHED_(FIFO|RR)' "$work/its-calls" || [ $? = 1 ])" 0
expect_equal "files written elsewhere" "$(grep -E 'open(at)?\(.*O_(WRONLY|RDWR|CREAT)' "$work/its-calls" | grep -v ENOENT |
  sed -nE 's/.*"([^"]*)".*/\1/p' | grep '^/' | grep -vE "^($state|/dev/null)" | sort -u | xargs)" ""

# --- The module: without it --method dpdk says which package it wants; with that, DPDK starts with what came along, and
# the driver of a device that it makes up. That device takes all that is sent to it, and nothing goes anywhere.
by_dpdk="echoscan scan --method dpdk -i net_null0 --dpdk-args --vdev=net_null0 --source-ip 192.0.2.1 --gateway-mac \
02:00:00:00:00:02 --allow-reserved --cooldown 0.5 --summary summary.json 10.20.0.0/20"
expect_status 3 in_lab $by_dpdk >"$work/said" 2>"$work/log"
expect_text "$work/log" "install the package echoscan-dpdk"
cp "${module[0]}" "$machine/root/"
on_machine sh -c 'apt-get install ./echoscan-dpdk_*.deb' >"$work/log" 2>&1 || fail "the module is not installed"
expect_status 3 in_lab $by_dpdk >"$work/said" 2>"$work/log"
expect_text "$work/log" "DPDK does not start: No such device"
on_machine apt-get install librte-bus-vdev$abi librte-net-null$abi >"$work/log" 2>&1 ||
  fail "the device's driver is not installed"
in_lab $by_dpdk >"$work/said" 2>"$work/log" || fail "'$by_dpdk' ended with $?"
cp "$machine/root/summary.json" "$work/summary"
expect_equal "sent by DPDK" "$(summary '"\(.ledger.sent) \(.sending.queues[0].mode)"')" "4096 DPDK net_null"
on_machine apt-get purge --autoremove echoscan-dpdk librte-bus-vdev$abi librte-net-null$abi >"$work/log" 2>&1 ||
  fail "the module is not removed"
expect_status 0 installed --version >"$work/said"

# --- And back: nothing is left but what the page says, what was found and what was written by hand.
follow 7 7
expect_status 1 on_machine dpkg -s echoscan >"$work/said" 2>&1
files >"$work/after"
{ diff "$work/before" "$work/after" || expect_equal "diff's exit status" $? 1; } | sed -n '/^[<>]/p' >"$work/left"
expect_equal "what is left" "$(sed 's/^> //' "$work/left" | xargs)" \
  "./etc/echoscan ./etc/echoscan/lab.conf ./etc/echoscan/targets.txt ./var/lib/echoscan ./var/lib/echoscan/lab \
./var/lib/echoscan/lab/results.jsonl ./var/lib/echoscan/lab/summary.json"
for folder in /etc/echoscan /var/lib/echoscan; do
  grep -qF "$folder" <(sed 's/\\-/-/g' "$ECHOSCAN_BUILD/manual/pages/echoscan.1") || fail "the page does not speak of $folder"
done
