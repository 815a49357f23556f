#include "scanner/network/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "scanner/process/file_descriptor.h"

namespace echoscan {
namespace {

constexpr std::uint32_t kCountersMax = 1 << 16;

// Requests begin with their command, and the kernel writes the answer over them.
bool ask(const std::string& name, void* request) {
  const FileDescriptor socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq question{};
  name.copy(question.ifr_name, IFNAMSIZ - 1);
  question.ifr_data = static_cast<char*>(request);
  return socket_fd && ioctl(socket_fd.get(), SIOCETHTOOL, &question) == 0;
}

// A request with an array behind its head, in words so that it is aligned.
template <typename Head>
class LongRequest {
 public:
  LongRequest(std::uint32_t command, std::size_t array_bytes)
      : words_((sizeof(Head) + array_bytes) / sizeof(std::uint64_t) + 1) {
    head().cmd = command;
  }
  Head& head() { return *reinterpret_cast<Head*>(words_.data()); }
  const char* array() const { return reinterpret_cast<const char*>(words_.data()) + sizeof(Head); }

 private:
  std::vector<std::uint64_t> words_;
};

std::uint32_t counter_count(const std::string& name) {
  LongRequest<ethtool_sset_info> request(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
  request.head().sset_mask = std::uint64_t{1} << ETH_SS_STATS;
  if (!ask(name, &request.head()) || request.head().sset_mask == 0) return 0;
  std::uint32_t count = 0;
  std::memcpy(&count, request.array(), sizeof(count));
  // A driver with tens of thousands of counters has a fault, and its word would cost gigabytes.
  return count <= kCountersMax ? count : 0;
}

}  // namespace

std::optional<Channels> read_channels(const std::string& name) {
  ethtool_channels answer{};
  answer.cmd = ETHTOOL_GCHANNELS;
  if (!ask(name, &answer)) return std::nullopt;
  return Channels{std::max(answer.combined_count, answer.tx_count),
                  std::max(answer.max_combined, answer.max_tx)};
}

RingSizes read_ring_sizes(const std::string& name) {
  ethtool_ringparam answer{};
  answer.cmd = ETHTOOL_GRINGPARAM;
  if (!ask(name, &answer)) return {};
  return {answer.rx_pending, answer.rx_max_pending, answer.tx_pending, answer.tx_max_pending};
}

bool has_lro(const std::string& name) {
  ethtool_value answer{};
  answer.cmd = ETHTOOL_GFLAGS;
  return ask(name, &answer) && (answer.data & ETH_FLAG_LRO) != 0;
}

std::string read_driver(const std::string& name) {
  ethtool_drvinfo answer{};
  answer.cmd = ETHTOOL_GDRVINFO;
  if (!ask(name, &answer)) return "";
  return {answer.driver, strnlen(answer.driver, sizeof(answer.driver))};
}

std::optional<std::uint64_t> read_driver_counter(const std::string& name,
                                                 const std::string& counter) {
  const std::uint32_t count = counter_count(name);
  LongRequest<ethtool_gstrings> names(ETHTOOL_GSTRINGS, std::size_t{count} * ETH_GSTRING_LEN);
  names.head().string_set = ETH_SS_STATS;
  names.head().len = count;
  LongRequest<ethtool_stats> values(ETHTOOL_GSTATS, count * sizeof(std::uint64_t));
  values.head().n_stats = count;
  if (count == 0 || !ask(name, &names.head()) || !ask(name, &values.head())) return std::nullopt;
  for (std::uint32_t i = 0; i < count; ++i) {
    const char* text = names.array() + std::size_t{i} * ETH_GSTRING_LEN;
    if (std::string_view(text, strnlen(text, ETH_GSTRING_LEN)) != counter) continue;
    std::uint64_t value = 0;
    std::memcpy(&value, values.array() + i * sizeof(value), sizeof(value));
    return value;
  }
  return std::nullopt;
}

}  // namespace echoscan
