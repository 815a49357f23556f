#!/usr/bin/env python3
"""A multi-homed host out of a seed, and what answers behind each of its ways.

  topology.py make SEED PREFIX DIRECTORY            writes up.sh and the facts below into DIRECTORY; runs nothing
  topology.py found DIRECTORY [--from ADDRESS] [--oif INTERFACE]
                                                    the targets that answer by the way that the kernel names
  topology.py refused DIRECTORY [...]               the targets that have no way

The host is the namespace PREFIX-near. Each of its uplinks is a LAN of 1 to 4 routers, each a namespace with a MAC of
its own, so that a probe that takes a wrong uplink or a wrong router reaches nobody: a network answers behind one way
alone. Routers do not forward and answer ARP only for what is configured on their link. `found` and `refused` ask the
kernel by `ip route get`, target by target, and look up the facts: neither knows how echoscan finds ways.

In DIRECTORY: `targets` and `namespaces`; `uplinks` (interface, address); `answers` (address, interface, next hop or -).
"""
import argparse
import ipaddress
import pathlib
import random
import subprocess

NETWORK_SIZE = 16
REFUSALS = ["blackhole", "unreachable", "prohibit"]


def hosts(network):
    """All addresses of a network, the first and the last among them."""
    return [str(address) for address in ipaddress.ip_network(network)]


class Topology:
    def __init__(self, seed, prefix):
        self.random = random.Random(seed)
        self.prefix = prefix
        self.near = []  # what `ip` is to do in PREFIX-near once the links are there
        self.uplinks = [f"up{k}" for k in range(self.random.randint(1, 3))]
        self.routers = []
        self.targets = []
        self.answers = set()  # (address, interface, next hop or "-")
        self.networks = 0
        self.rules = 0
        self.make_links()
        self.make_default()
        self.make_source_tables()
        self.make_networks()

    def own(self, uplink):
        return f"192.168.{uplink[2:]}.1"

    def make_links(self):
        for uplink in self.uplinks:
            self.add_router(uplink)
        for _ in range(self.random.randint(0, 3)):
            self.add_router(self.random.choice(self.uplinks))
        for uplink in self.uplinks:
            lan = f"192.168.{uplink[2:]}"
            self.near.append(f"address add {lan}.1/24 dev {uplink}")
            self.targets += hosts(f"{lan}.0/28") + [f"{lan}.255"]

    def add_router(self, uplink):
        number = 2 + sum(router["uplink"] == uplink for router in self.routers)
        router = {
            "name": f"{self.prefix}-r{len(self.routers)}",
            "uplink": uplink,
            "address": f"192.168.{uplink[2:]}.{number}",
            "ipv6": f"fe80::{number}",
            "batch": [],
        }
        self.routers.append(router)
        for via in ("-", router["address"], router["ipv6"]):
            self.answers.add((router["address"], uplink, via))

    def add_rule(self, selector):
        """A rule before the main table's, its preference by the order of the calls."""
        self.rules += 1
        self.near.append(f"rule add {selector} pref {1000 + self.rules}")

    def via(self, router):
        """The next hop as `ip route` reads it, at times by IPv6. With that, `default` would be an IPv6 route, and
        0.0.0.0/0 is not."""
        if self.random.random() < 0.15:
            return f"via inet6 {router['ipv6']} dev {router['uplink']}"
        return f"via {router['address']} dev {router['uplink']}"

    def make_default(self):
        """The router of all that has no route of its own; none at times."""
        self.default = None
        if self.random.random() < 0.15:
            return
        self.default = self.random.choice(self.routers)
        self.near.append(f"route add 0.0.0.0/0 {self.via(self.default)} metric 100")
        if self.random.random() < 0.4:
            spare = self.random.choice(self.routers)
            self.near.append(f"route add 0.0.0.0/0 {self.via(spare)} metric 200")
        # As VPNs do it: the main table but for its default route, then another default route.
        if self.random.random() < 0.2:
            self.default = self.random.choice(self.routers)
            self.near.append(f"route add 0.0.0.0/0 {self.via(self.default)} table 200")
            self.add_rule("lookup main suppress_prefixlength 0")
            self.add_rule("lookup 200")

    def make_source_tables(self):
        """Each uplink's own table, for packets from its address."""
        self.by_source = []
        for uplink in self.uplinks:
            if self.random.random() < 0.5:
                continue
            router = self.random.choice([r for r in self.routers if r["uplink"] == uplink])
            table = 100 + int(uplink[2:])
            self.near.append(f"route add 0.0.0.0/0 {self.via(router)} table {table}")
            if self.random.random() < 0.5:
                self.near.append(f"route add throw 192.168.0.0/16 table {table}")
            self.add_rule(f"from {self.own(uplink)} lookup {table}")
            self.by_source.append(router)

    def make_networks(self):
        kinds = [self.network_of_default, self.network_by_router, self.network_on_link, self.network_refused,
                 self.network_by_rule, self.network_by_source, self.network_nested, self.network_own,
                 self.network_by_two]
        for _ in range(self.random.randint(5, 11)):
            self.random.choice(kinds)()
        # So that something answers in each topology.
        self.network_by_router()

    def new_network(self):
        self.networks += 1
        network = f"10.{self.networks}.0.0/28"
        self.targets += hosts(network)
        return network

    def answer(self, router, network):
        """`network` answers behind `router`; one time in eight behind another, so that the right way is silent."""
        if self.random.random() < 0.125:
            router = self.random.choice(self.routers)
        router["batch"].append(f"route add local {network} dev lo")
        for address in hosts(network):
            for via in (router["address"], router["ipv6"]):
                self.answers.add((address, router["uplink"], via))

    def network_of_default(self):
        self.answer(self.default or self.random.choice(self.routers), self.new_network())

    def network_by_router(self):
        network, router = self.new_network(), self.random.choice(self.routers)
        self.near.append(f"route add {network} {self.via(router)}")
        self.answer(router, network)

    def network_on_link(self):
        """On the link by a route alone: no address of the host is in it."""
        network, router = self.new_network(), self.random.choice(self.routers)
        uplink = router["uplink"]
        self.near.append(f"route add {network} dev {uplink}")
        for address in self.random.sample(hosts(network), self.random.randint(1, 8)):
            router["batch"].append(f"address add {address}/32 dev lan")
            for via in ("-", router["address"], router["ipv6"]):
                self.answers.add((address, uplink, via))

    def network_refused(self):
        """Answers all the same, so that a probe in spite of the refusal is seen."""
        network = self.new_network()
        self.near.append(f"route add {self.random.choice(REFUSALS)} {network}")
        self.answer(self.default or self.random.choice(self.routers), network)

    def network_by_rule(self):
        network, router = self.new_network(), self.random.choice(self.routers)
        table = 300 + self.networks
        self.near.append(f"route add 0.0.0.0/0 {self.via(router)} table {table}")
        self.add_rule(f"to {network} {self.random.choice(['', 'ipproto icmp '])}lookup {table}")
        self.answer(router, network)

    def network_by_source(self):
        """Behind a router that only packets from its uplink's address are sent to."""
        router = self.random.choice(self.by_source or self.routers)
        self.answer(router, self.new_network())

    def network_nested(self):
        """A part of a network goes elsewhere, and a part of that is refused."""
        network, outer, inner = self.new_network(), self.random.choice(self.routers), self.random.choice(self.routers)
        first = network.removesuffix(".0/28")
        self.near.append(f"route add {network} {self.via(outer)}")
        self.near.append(f"route add {first}.4/30 {self.via(inner)}")
        self.near.append(f"route add {self.random.choice(REFUSALS)} {first}.5")
        self.answer(outer, f"{first}.0/30")
        self.answer(inner, f"{first}.4/30")
        self.answer(outer, f"{first}.8/29")

    def network_own(self):
        """A network that is the host's own, by a route and by an address."""
        network = self.new_network()
        if self.random.random() < 0.5:
            self.near.append(f"route add local {network} dev lo")
        else:
            self.near.append(f"address add {hosts(network)[3]}/32 dev {self.random.choice(self.uplinks)}")
            self.answer(self.default or self.random.choice(self.routers), network)

    def network_by_two(self):
        """Two routes of the same prefix, of which the metric chooses."""
        network, router = self.new_network(), self.random.choice(self.routers)
        self.near.append(f"route add {network} {self.via(self.random.choice(self.routers))} metric 20")
        self.near.append(f"route add {network} {self.via(router)} metric 10")
        self.answer(router, network)

    def namespaces(self):
        return [f"{self.prefix}-near", f"{self.prefix}-lans"] + [router["name"] for router in self.routers]

    def script(self):
        near, lans = f"{self.prefix}-near", f"{self.prefix}-lans"
        lines = ["set -euo pipefail"]

        def batch(namespace, commands):
            lines.append(f"ip -n {namespace} -batch - <<END\n" + "\n".join(commands) + "\nEND")

        for name in self.namespaces():
            lines.append(f"ip netns add {name}")
            lines.append(f"ip netns exec {name} sysctl -qw net.ipv4.conf.all.rp_filter=0 "
                         "net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.default.arp_ignore=1 "
                         "net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.disable_ipv6=0 "
                         "net.ipv6.conf.default.disable_ipv6=0")
            lines.append(f"ip -n {name} link set lo up")
        for uplink in self.uplinks:
            lines.append(f"ip -n {near} link add {uplink} type veth peer name {uplink} netns {lans}")
            lines.append(f"ip -n {lans} link set {uplink} up")
            lines.append(f"ip -n {near} link set {uplink} up")
            # A redirect into a veth is delivered only where the other end runs NAPI, and GRO switches that on.
            for namespace in (near, lans):
                lines.append(f"ip netns exec {namespace} ethtool -K {uplink} gro on")
        for router in self.routers:
            lines.append(f"ip -n {lans} link add link {router['uplink']} name lan netns {router['name']} "
                         "type macvlan mode bridge")
            batch(router["name"], [
                "link set lan up",
                f"address add {router['address']}/24 dev lan",
                f"address add {router['ipv6']}/64 dev lan nodad",
                f"route add default via {self.own(router['uplink'])} dev lan"] + router["batch"])
        batch(near, self.near)
        return "\n".join(lines) + "\n"

    def write(self, directory):
        def write(name, lines):
            (directory / name).write_text("".join(line + "\n" for line in lines))

        (directory / "up.sh").write_text(self.script())
        write("namespaces", self.namespaces())
        write("targets", self.targets)
        write("uplinks", [f"{uplink} {self.own(uplink)}" for uplink in self.uplinks])
        write("answers", sorted(" ".join(answer) for answer in self.answers))


class Kernel:
    """What `ip route get` says of each target: its words, or None where it has no way."""

    def __init__(self, directory):
        self.near = (directory / "namespaces").read_text().split()[0]
        self.targets = (directory / "targets").read_text().split()

    def get(self, targets, option, question):
        commands = "".join(f"route get {option} {target} {question} ipproto icmp\n" for target in targets)
        done = subprocess.run(["ip", "-n", self.near, "-o", "-force", "-batch", "-"], input=commands,
                              capture_output=True, text=True, check=False)
        failed = {int(line.rsplit(":", 1)[1]) for line in done.stderr.splitlines() if line.startswith("Command failed")}
        answers = iter(done.stdout.splitlines())
        ways = [None if number in failed else next(answers).split() for number in range(1, len(targets) + 1)]
        if next(answers, None) is not None:
            raise RuntimeError(f"more answers than questions: {done.stdout}{done.stderr}")
        return ways

    def ways(self, targets, source, oif):
        question = (f"from {source} " if source else "") + (f"oif {oif}" if oif else "")
        ways = self.get(targets, "", question)
        if not oif:
            return ways
        # Without a route out of the interface, the kernel takes all for neighbours.
        matches = self.get(targets, "fibmatch", question)
        return [way if match else None for way, match in zip(ways, matches)]

    def all_ways(self, source, oif):
        """As a scan with these options asks: without a source, once more from the interface's own address."""
        ways = self.ways(self.targets, source, oif)
        if oif and not source:
            own = self.ways(self.targets, f"192.168.{oif[2:]}.1", oif)
            ways = [way or second for way, second in zip(ways, own)]
        return dict(zip(self.targets, ways))


def has_way(way):
    return way is not None and way[0] not in ("broadcast", "multicast")


def does_answer(target, way, answers):
    if way[0] == "local":
        return True
    after = {word: way[i + 1] for i, word in enumerate(way[:-1])}
    via = after.get("via", "-")
    return (target, after["dev"], after["inet6"] if via == "inet6" else via) in answers


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("seed", type=int)
    make.add_argument("prefix")
    make.add_argument("directory", type=pathlib.Path)
    for name in ("found", "refused"):
        command = commands.add_parser(name)
        command.add_argument("directory", type=pathlib.Path)
        command.add_argument("--from", dest="source")
        command.add_argument("--oif")
    options = parser.parse_args()
    if options.command == "make":
        Topology(options.seed, options.prefix).write(options.directory)
        return
    ways = Kernel(options.directory).all_ways(options.source, options.oif)
    if options.command == "refused":
        print(*(target for target, way in ways.items() if not has_way(way)), sep="\n")
        return
    answers = {tuple(line.split()) for line in (options.directory / "answers").read_text().splitlines()}
    print(*(target for target, way in ways.items() if has_way(way) and does_answer(target, way, answers)), sep="\n")


if __name__ == "__main__":
    main()
