// Who lives at an address of the zoo, in full: what its answer looks like, from whom it comes, how
// often and how late.
//
// It is a pure function of (lab seed, address), as the world is (world.h). The responder and
// `lab.sh truth --json` both ask it, so that what is sent and what is expected cannot drift apart.
// Late and repeated answers come in several forms, so that the scanner's cases meet each other.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/lab/world.h"

namespace echoscan::zoo {

enum class Form { whole, cut, altered, off_target, error, no_result };

struct Host {
  world_species species = SPECIES_NORMAL;
  Form form = Form::whole;
  std::uint32_t saddr = 0;  // host order
  std::uint8_t ttl = 0;     // of the answer, as it arrives
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  // Of an error's quote: the TTL, option bytes behind the IPv4 header, and how much ICMP at most.
  std::uint8_t quoted_ttl = 0;
  std::uint8_t quoted_option_bytes = 0;
  std::uint8_t quoted_icmp_bytes_max = 0;
  std::uint32_t repeats = 0;  // after the first
  std::uint64_t held_us = 0;
  std::uint32_t salt = 0;  // for whatever else differs between hosts
};

inline constexpr std::uint64_t kHeldUsMin = 100'000;
inline constexpr std::uint64_t kHeldUsMax = 12'000'000;
inline constexpr std::uint32_t kFlooderReplies = 100'000;

// Only for addresses where world_host_at(...).answers. For a host that is redirected this is the
// reply; redirect_at is what comes before it.
Host host_at(const world& world, std::uint32_t address);
Host redirect_at(const world& world, std::uint32_t address);

std::string_view species_name(unsigned species);

// "echoreply", "unreach" and so on, as a result's `classification`.
std::string_view classification(std::uint8_t icmp_type);

}  // namespace echoscan::zoo
