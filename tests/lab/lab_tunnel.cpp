// A tunnel between the lab's two ends: a tun device in each namespace, and this process in between.
// Layer 3 alone, as WireGuard is, and with nothing but the tun driver, which every kernel has.
//
//   lab_tunnel NEAR FAR SECONDS   namespaces by path (/run/netns/...); `tunnel0` appears in NEAR
//                                 and `tunnel1` in FAR, and both go when this process ends, which
//                                 it does by itself
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "scanner/process/system_error.h"

namespace {

int check(int result, const char* what) {
  if (result < 0) echoscan::throw_system_error(what);
  return result;
}

// The process moves into the namespace and stays there.
int make_tun(const char* netns, const std::string& name) {
  const int space = check(open(netns, O_RDONLY | O_CLOEXEC), "open the namespace");
  check(setns(space, CLONE_NEWNET), "enter the namespace");
  close(space);
  const int tun = check(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "open /dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  check(ioctl(tun, TUNSETIFF, &request), "make the tun device");
  return tun;
}

// A packet that the other end does not take is lost, as on any link.
void copy_packet(int from, int to) {
  std::array<char, 65536> packet;
  const ssize_t bytes = read(from, packet.data(), packet.size());
  if (bytes > 0 && write(to, packet.data(), static_cast<std::size_t>(bytes)) < 0 && errno != EIO)
    echoscan::throw_system_error("write a packet");
}

void run(const char* near, const char* far, unsigned seconds) {
  alarm(seconds);
  const int near_tun = make_tun(near, "tunnel0");
  const int far_tun = make_tun(far, "tunnel1");
  std::puts("ready");
  std::fflush(stdout);
  std::array<pollfd, 2> ends{{{near_tun, POLLIN, 0}, {far_tun, POLLIN, 0}}};
  while (true) {
    check(poll(ends.data(), ends.size(), -1), "wait for packets");
    if ((ends[0].revents & POLLIN) != 0) copy_packet(near_tun, far_tun);
    if ((ends[1].revents & POLLIN) != 0) copy_packet(far_tun, near_tun);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: lab_tunnel NEAR FAR SECONDS\n", stderr);
    return 2;
  }
  try {
    run(argv[1], argv[2], static_cast<unsigned>(std::atoi(argv[3])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lab_tunnel: %s\n", error.what());
    return 1;
  }
}
