#include "scanner/network/host_lookup.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <thread>

namespace echoscan {
namespace {

HostAddresses look_up_host(const std::string& name) {
  boost::asio::io_context context;
  boost::asio::ip::udp::resolver resolver(context);
  boost::system::error_code error;
  const auto found = resolver.resolve(boost::asio::ip::udp::v4(), name, "", error);
  if (error) return tl::make_unexpected(error.message());
  std::vector<Ipv4> addresses;
  for (const auto& entry : found) {
    const Ipv4 address{entry.endpoint().address().to_v4().to_uint()};
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

std::vector<HostAddresses> look_up_hosts(const std::vector<std::string>& names) {
  std::vector<HostAddresses> found(names.size());
  std::atomic<std::size_t> next = 0;
  const auto look_up = [&] {
    for (std::size_t i = next++; i < names.size(); i = next++) found[i] = look_up_host(names[i]);
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(kLookupsMax, names.size()); ++i)
    threads.emplace_back(look_up);
  look_up();
  threads.clear();
  return found;
}

}  // namespace echoscan
