#include "tests/lab/zoo_responder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

#include "scanner/process/mapped_memory.h"
#include "scanner/process/system_error.h"
#include "tests/lab/zoo_answer.h"

namespace echoscan::zoo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kWaitingMax = 65'536;
constexpr unsigned kBatchFrames = 64;
constexpr milliseconds kInterfaceEvery{100};
// A scanner whose far end is starved takes nothing for a while; longer than this and it is gone.
constexpr std::chrono::seconds kRefusedFor{5};

struct Waiting {
  Clock::time_point due;
  std::vector<std::uint8_t> frame;
  world_species species;

  friend bool operator>(const Waiting& a, const Waiting& b) { return a.due > b.due; }
};

class Responder {
 public:
  Responder(int socket, const world& world, MappedMemory counts)
      : socket_(socket),
        world_(world),
        counts_memory_(std::move(counts)),
        counts_(counts_memory_.as<responder_counters>()) {}

  void answer(const world_request& raw) {
    const std::span<const std::uint8_t> bytes(raw.frame,
                                              std::min<std::size_t>(raw.bytes, sizeof(raw.frame)));
    const std::optional<Request> request = parse_request(bytes);
    if (!request) return;
    const Host host = host_at(world_, request->target);
    counts_->requests[host.species]++;
    if (host.species == SPECIES_REDIRECTED)
      send(make_answer(*request, redirect_at(world_, request->target)), 1, host.species);
    std::vector<std::uint8_t> frame = make_answer(*request, host);
    if (host.held_us == 0) {
      send(frame, host.repeats + 1, host.species);
    } else if (waiting_.size() == kWaitingMax) {
      counts_->unheld++;
    } else {
      waiting_.push({Clock::now() + microseconds(host.held_us), std::move(frame), host.species});
      counts_->waiting++;
    }
  }

  void release_due() {
    while (!waiting_.empty() && waiting_.top().due <= Clock::now()) {
      send(waiting_.top().frame, 1, waiting_.top().species);
      waiting_.pop();
      counts_->waiting--;
    }
  }

  milliseconds until_next() const {
    if (waiting_.empty()) return kInterfaceEvery;
    const auto left = std::chrono::ceil<milliseconds>(waiting_.top().due - Clock::now());
    return std::clamp(left, milliseconds{0}, kInterfaceEvery);
  }

 private:
  void send(const std::vector<std::uint8_t>& frame, std::uint32_t copies, world_species species) {
    iovec bytes{const_cast<std::uint8_t*>(frame.data()), frame.size()};
    std::array<mmsghdr, kBatchFrames> messages{};
    for (mmsghdr& message : messages) {
      message.msg_hdr.msg_iov = &bytes;
      message.msg_hdr.msg_iovlen = 1;
    }
    Clock::time_point last_taken = Clock::now();
    while (copies > 0) {
      const int taken = sendmmsg(socket_, messages.data(), std::min(copies, kBatchFrames), 0);
      if (taken > 0) {
        counts_->frames[species] += static_cast<unsigned>(taken);
        copies -= static_cast<unsigned>(taken);
        last_taken = Clock::now();
        continue;
      }
      if (errno != ENOBUFS || Clock::now() - last_taken > kRefusedFor) {
        counts_->refused[species] += copies;
        return;
      }
      std::this_thread::sleep_for(microseconds(50));
    }
  }

  int socket_;
  world world_;
  MappedMemory counts_memory_;
  responder_counters* counts_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
};

int check(int result, const char* what) {
  if (result < 0) throw_system_error(what);
  return result;
}

// Protocol 0: it sends and is never handed a frame.
int open_socket(unsigned interface_index) {
  const int socket = check(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "open a socket");
  const int on = 1;
  check(setsockopt(socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)), "bypass the qdisc");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(interface_index);
  check(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        "bind to the interface");
  return socket;
}

MappedMemory map_counts(int counts_map) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (sizeof(responder_counters) + page - 1) / page * page;
  MappedMemory counts = MappedMemory::shared(counts_map, bytes);
  if (!counts) throw_system_error("map counters");
  return counts;
}

int on_request(void* responder, void* data, std::size_t bytes) {
  if (bytes >= sizeof(world_request))
    static_cast<Responder*>(responder)->answer(*static_cast<const world_request*>(data));
  return 0;
}

}  // namespace

void respond(const std::string& interface, const world& world, int request_ring, int counts_map,
             void (*ready)()) {
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) throw_system_error(interface.c_str());
  Responder responder(open_socket(index), world, map_counts(counts_map));
  ring_buffer* ring = ring_buffer__new(request_ring, on_request, &responder, nullptr);
  if (!ring) throw_system_error("open the request ring");
  ready();
  Clock::time_point looked = Clock::now();
  while (true) {
    responder.release_due();
    const int error = ring_buffer__poll(ring, static_cast<int>(responder.until_next().count()));
    if (error < 0 && error != -EINTR) throw_system_error("wait for requests", -error);
    if (Clock::now() - looked < kInterfaceEvery) continue;
    looked = Clock::now();
    if (if_nametoindex(interface.c_str()) != index) return;
  }
}

}  // namespace echoscan::zoo
