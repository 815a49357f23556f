#include "scanner/network/dpdk_port.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "scanner/network/dpdk_arguments.h"
#include "scanner/network/pci_card.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModuleName = "libechoscan_dpdk.so";
// Many enough for a receiver that is away for some ms, and few enough to stay in the cache.
constexpr std::uint16_t kReceiveFrames = 4096;
constexpr std::uint16_t kSendFrames = 1024;

template <typename... Arguments>
[[noreturn]] void refuse_port(fmt::format_string<Arguments...> sentence, Arguments&&... arguments) {
  throw UserError(ExitCode::environment,
                  fmt::format(sentence, std::forward<Arguments>(arguments)...));
}

// Where the module may be: beside the program, and where it is installed.
std::vector<fs::path> module_paths() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = program.parent_path();
  return {folder / kModuleName, folder.parent_path() / "lib/echoscan" / kModuleName};
}

// A path, and never a bare name, which would be looked for where the environment says.
void* open_module() {
  std::string why_not;
  for (const fs::path& path : module_paths()) {
    if (!fs::exists(path)) continue;
    if (void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); module != nullptr)
      return module;
    const char* const reason = dlerror();
    why_not = reason != nullptr ? reason : "it cannot be opened";
  }
  if (why_not.empty())
    refuse_port(
        "--method dpdk needs the module {}, which is not there: install the package echoscan-dpdk, "
        "or libdpdk-dev, and build again (docs/dpdk.md)",
        kModuleName);
  refuse_port(
      "--method dpdk: the module {} cannot be opened ({}): install the packages of DPDK's "
      "libraries that docs/dpdk.md names",
      kModuleName, why_not);
}

// Opened once, and never closed.
const dpdk_api& module_api() {
  static const dpdk_api& api = []() -> const dpdk_api& {
    void* const module = open_module();
    const auto entry = reinterpret_cast<dpdk_api_entry>(dlsym(module, DPDK_API_ENTRY));
    const dpdk_api* const table = entry != nullptr ? entry() : nullptr;
    if (table == nullptr || table->version != DPDK_API_VERSION || table->bytes != sizeof(dpdk_api))
      refuse_port("--method dpdk: the module {} is of another version than this program",
                  kModuleName);
    return *table;
  }();
  return api;
}

// DPDK says the level of few of its lines; what matters comes back as a reason.
void log_line(void*, const char* line, std::size_t bytes) {
  log_debug("DPDK: {}", std::string_view(line, bytes));
}

// What is known of a card before DPDK is started, and what cannot work with it.
DpdkSurroundings look_around(const std::string& device, unsigned queues) {
  DpdkSurroundings surroundings{allowed_cpus(), free_huge_page_bytes(), false, queues};
  const std::optional<std::string> address = parse_pci_address(device);
  if (!address) return surroundings;
  const std::optional<PciCard> card = find_pci_card(*address);
  if (!card) refuse_port("-i {}: there is no such PCI device; `lspci -D` lists them", device);
  surroundings.needs_huge_pages = card->needs_huge_pages();
  if (!card->is_for_user_space() && !card->is_shared())
    log_warning(
        "{} is held by {}: DPDK drives few cards beside the kernel; `echoscan doctor -i "
        "{}` says how to hand it over",
        *address, card->driver.empty() ? "no driver" : "the kernel's " + card->driver, *address);
  const std::uint64_t needed = dpdk_memory_bytes(queues);
  if (surroundings.needs_huge_pages && surroundings.free_huge_page_bytes < needed)
    refuse_port(
        "-i {}: with {} a process needs huge pages, and {} MB of them are free; `sysctl "
        "vm.nr_hugepages={}` sets some aside",
        device, card->driver, surroundings.free_huge_page_bytes >> 20, needed >> 21);
  return surroundings;
}

std::vector<std::string> choose_arguments(const std::string& device, const std::string& extra,
                                          unsigned queues) {
  const auto made = make_dpdk_arguments(device, extra, look_around(device, queues));
  if (!made) throw UserError(ExitCode::bad_usage, made.error());
  if (is_without_huge_pages(*made))
    log_info("DPDK runs on ordinary pages (--no-huge): huge ones are faster");
  log_debug("DPDK's arguments: {}", fmt::join(std::next(made->begin()), made->end(), " "));
  return *made;
}

// Once in a process.
void start_dpdk(const dpdk_api& api, const std::string& device, const std::string& extra,
                unsigned queues) {
  std::vector<std::string> arguments = choose_arguments(device, extra, queues);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  const auto count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  const dpdk_log log{log_line, nullptr};
  if (api.start(count, pointers.data(), &log) < 0)
    refuse_port("--method dpdk on {}: {}; -v shows DPDK's own log", device, api.reason());
  log_debug("{} runs", api.dpdk_release());
}

}  // namespace

DpdkPort::DpdkPort(const dpdk_api& api, const dpdk_port_facts& facts) : api_(api), facts_(facts) {
  interface_.name = facts.name;
  std::ranges::copy(facts.mac, interface_.mac.bytes.begin());
  interface_.is_ethernet = true;
  interface_.is_up = true;
  interface_.mtu = facts.mtu;
  interface_.queues = std::max<unsigned>(1, facts.tx_queues_max);
  interface_.driver = facts.driver;
}

std::shared_ptr<DpdkPort> DpdkPort::find(const std::string& device, const std::string& extra,
                                         unsigned queues) {
  const dpdk_api& api = module_api();
  static std::string started_for;
  if (started_for.empty()) {
    start_dpdk(api, device, extra, queues);
    started_for = device;
  }
  dpdk_port_facts facts{};
  const std::string name = parse_pci_address(device).value_or(device);
  if (api.find_port(name.c_str(), &facts) < 0)
    refuse_port(
        "--method dpdk on {}: {}; is its driver one of DPDK's packages (docs/dpdk.md), and is the "
        "card handed over (`echoscan doctor -i {}`)? -v shows DPDK's own log",
        device, api.reason(), device);
  return std::shared_ptr<DpdkPort>(new DpdkPort(api, facts));
}

std::string DpdkPort::dpdk_release() {
  return module_api().dpdk_release();
}

DpdkPort::~DpdkPort() {
  if (is_open_) api_.close_port(facts_.port);
}

void DpdkPort::open(unsigned queues, std::size_t frame_bytes) {
  receive_queues_ = std::clamp<unsigned>(queues, 1, std::max<unsigned>(1, facts_.rx_queues_max));
  dpdk_port_plan plan{};
  plan.port = facts_.port;
  plan.tx_queues = static_cast<std::uint16_t>(queues);
  plan.rx_queues = static_cast<std::uint16_t>(receive_queues_);
  plan.tx_frames = kSendFrames;
  plan.rx_frames = kReceiveFrames;
  plan.frame_bytes = static_cast<std::uint16_t>(frame_bytes);
  if (api_.open_port(&plan) < 0)
    refuse_port("--method dpdk on {}: {}; -v shows DPDK's own log", interface_.name, api_.reason());
  receive_room_ = std::uint64_t{plan.rx_frames} * receive_queues_;
  is_open_ = true;
}

void DpdkPort::enter_thread() const {
  // A thread has to leave before it ends, since DPDK counts its threads.
  struct Registration {
    const dpdk_api* api = nullptr;
    bool is_tried = false;
    ~Registration() {
      if (api != nullptr) api->unregister_thread();
    }
  };
  thread_local Registration registration;
  if (std::exchange(registration.is_tried, true)) return;
  if (api_.register_thread() == 0) registration.api = &api_;
}

bool DpdkPort::send_copy(std::span<const std::uint8_t> frame) const {
  return api_.send_copy(facts_.port, frame.data(), frame.size()) > 0;
}

bool DpdkPort::is_link_up() const {
  return api_.link_is_up(facts_.port) > 0;
}

std::optional<dpdk_port_counters> DpdkPort::counters() const {
  const std::lock_guard lock(counters_mutex_);
  dpdk_port_counters counters{};
  return api_.read_counters(facts_.port, &counters) < 0 ? std::nullopt : std::optional(counters);
}

std::vector<dpdk_named_count> DpdkPort::named_counts() const {
  const std::lock_guard lock(counters_mutex_);
  const int known = api_.read_named_counts(facts_.port, nullptr, 0);
  if (known <= 0) return {};
  std::vector<dpdk_named_count> counts(static_cast<std::size_t>(known));
  if (api_.read_named_counts(facts_.port, counts.data(), counts.size()) != known) return {};
  std::erase_if(counts, [](const dpdk_named_count& named) { return named.count == 0; });
  return counts;
}

}  // namespace echoscan
