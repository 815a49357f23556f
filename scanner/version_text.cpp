#include "scanner/version_text.h"

#include <bpf/libbpf_version.h>
#include <build_commit.h>
#include <fmt/format.h>

#include "scanner/options/method.h"

namespace echoscan {
namespace {

// The methods of sending that `scan` has, or those that `bench` alone has.
std::string method_names(bool in_scan) {
  std::string names;
  for (const MethodTraits& method : all_methods())
    if (method.in_scan == in_scan) names += (names.empty() ? "" : ", ") + std::string(method.name);
  return names;
}

}  // namespace

std::string version_text() {
  return fmt::format(
      "echoscan {}\n"
      "commit: {}\n"
      "build: {}, {} {}\n"
      "sending: {}; of bench: {}\n"
      "receiving: XDP native, XDP generic, AF_PACKET ring\n"
      "BPF programs: {}; built with libbpf {}.{}\n",
      ECHOSCAN_VERSION, ECHOSCAN_COMMIT, ECHOSCAN_BUILD_TYPE, ECHOSCAN_COMPILER, __VERSION__,
      method_names(true), method_names(false), ECHOSCAN_BPF_PROGRAMS, LIBBPF_MAJOR_VERSION,
      LIBBPF_MINOR_VERSION);
}

}  // namespace echoscan
