// Fuzzer of what drivers answer to the ethtool ioctl: names without an end, counts that are not
// true. The linker puts __wrap_ioctl() where the product calls ioctl().
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "scanner/network/ethtool.h"

namespace {

std::string_view answers;

// Writes the next bytes of the input over `size` bytes; the rest stays as the caller left it.
void answer(void* place, std::size_t size) {
  const std::size_t bytes = std::min(size, answers.size());
  std::memcpy(place, answers.data(), bytes);
  answers.remove_prefix(bytes);
}

}  // namespace

extern "C" int __wrap_ioctl(int, unsigned long request, ...) {
  std::va_list arguments;
  va_start(arguments, request);
  const auto* question = va_arg(arguments, const ifreq*);
  va_end(arguments);
  if (request != SIOCETHTOOL || answers.empty()) return -1;
  std::uint32_t command = 0;
  std::memcpy(&command, question->ifr_data, sizeof(command));
  char* behind = question->ifr_data + sizeof(command);
  const auto write_array = [&](std::size_t head_bytes, std::size_t length_at, std::size_t entry) {
    std::uint32_t length = 0;  // as much room as the caller says that it has
    std::memcpy(&length, question->ifr_data + length_at, sizeof(length));
    answer(question->ifr_data + head_bytes, length * entry);
  };
  switch (command) {
    case ETHTOOL_GDRVINFO:
      answer(behind, sizeof(ethtool_drvinfo) - sizeof(command));
      return 0;
    case ETHTOOL_GCHANNELS:
      answer(behind, sizeof(ethtool_channels) - sizeof(command));
      return 0;
    case ETHTOOL_GRINGPARAM:
      answer(behind, sizeof(ethtool_ringparam) - sizeof(command));
      return 0;
    case ETHTOOL_GSSET_INFO:
      answer(question->ifr_data + sizeof(ethtool_sset_info), sizeof(std::uint32_t));
      return 0;
    case ETHTOOL_GSTRINGS:
      write_array(sizeof(ethtool_gstrings), offsetof(ethtool_gstrings, len), ETH_GSTRING_LEN);
      return 0;
    case ETHTOOL_GSTATS:
      write_array(sizeof(ethtool_stats), offsetof(ethtool_stats, n_stats), sizeof(std::uint64_t));
      return 0;
    default:
      answer(behind, sizeof(std::uint32_t));
      return 0;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace echoscan;
  answers = {reinterpret_cast<const char*>(data), size};
  read_driver_counter("eth0", "rx_dropped");
  read_driver("eth0");
  read_channels("eth0");
  read_ring_sizes("eth0");
  has_lro("eth0");
  return 0;
}
