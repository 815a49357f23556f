#include "tests/lab/zoo_host.h"

#include <array>

namespace echoscan::zoo {
namespace {

struct ErrorKind {
  std::uint8_t type;
  std::uint8_t code;
};

constexpr std::array<ErrorKind, 16> kErrorKinds{{{3, 0},
                                                 {3, 1},
                                                 {3, 2},
                                                 {3, 3},
                                                 {3, 4},
                                                 {3, 9},
                                                 {3, 10},
                                                 {3, 13},
                                                 {4, 0},
                                                 {5, 0},
                                                 {5, 1},
                                                 {11, 0},
                                                 {11, 0},
                                                 {11, 1},
                                                 {12, 0},
                                                 {12, 2}}};
// RFC 792's 8 bytes, a send time and target without their proof, all of it.
constexpr std::array<std::uint8_t, 4> kQuotedBytes{8, 8, 20, 255};
constexpr std::array<std::uint8_t, 4> kOptionBytes{0, 0, 8, 40};

// Further independent 64 bits for each address.
std::uint64_t draw(const world& world, std::uint32_t address, std::uint64_t number) {
  const __u64 key[2] = {world.seed, 0x65636f7a6f6f0100ULL + number};
  const __u64 word = address | (4ULL << 56);
  return siphash24(key, &word, 1);
}

// 64 routers in 198.19.255.0/24; of what a scan probes there, each is a target like any other.
void become_error(Host& host, std::uint64_t bits) {
  host.form = Form::error;
  host.saddr = 0xc613ff00U | static_cast<std::uint32_t>(bits & 63);
  const ErrorKind kind = kErrorKinds[bits >> 8 & 15];
  host.icmp_type = kind.type;
  host.icmp_code = kind.code;
  host.quoted_icmp_bytes_max = kQuotedBytes[bits >> 12 & 3];
  host.quoted_option_bytes = kOptionBytes[bits >> 14 & 3];
  const bool has_expired = kind.type == 11 && kind.code == 0;
  host.quoted_ttl = has_expired ? 1 : static_cast<std::uint8_t>(1 + (bits >> 16) % 63);
}

void take_form(Host& host, std::uint32_t address, Form form, std::uint64_t bits) {
  host.form = form;
  // The neighbour in the same pair: a target of its own, often one that answers too.
  if (form == Form::off_target) host.saddr = address ^ 1;
  if (form == Form::error) become_error(host, bits);
}

}  // namespace

Host host_at(const world& world, std::uint32_t address) {
  const world_host plain = world_host_at(&world, address);
  Host host;
  host.species = static_cast<world_species>(plain.species);
  host.saddr = address;
  host.ttl = plain.ttl;
  const std::uint64_t bits = draw(world, address, 0);
  const std::uint64_t extent = draw(world, address, 1);
  host.salt = static_cast<std::uint32_t>(draw(world, address, 2));
  constexpr std::array<Form, 4> kLateForms{Form::whole, Form::whole, Form::cut, Form::error};
  constexpr std::array<Form, 8> kRepeatedForms{Form::whole,      Form::whole,   Form::whole,
                                               Form::cut,        Form::altered, Form::off_target,
                                               Form::off_target, Form::error};
  switch (host.species) {
    case SPECIES_NORMAL:
    case SPECIES_REDIRECTED:
      break;
    case SPECIES_CUT:
      take_form(host, address, Form::cut, bits);
      break;
    case SPECIES_ALTERED:
      take_form(host, address, Form::altered, bits);
      break;
    case SPECIES_OFF_TARGET:
      take_form(host, address, Form::off_target, bits);
      break;
    case SPECIES_ERROR:
      take_form(host, address, Form::error, bits);
      break;
    case SPECIES_REPEATS:
      take_form(host, address, kRepeatedForms[bits >> 32 & 7], bits);
      host.repeats = static_cast<std::uint32_t>(2 + extent % 49);
      break;
    case SPECIES_LATE:
      take_form(host, address, kLateForms[bits >> 32 & 3], bits);
      host.held_us = kHeldUsMin + extent % (kHeldUsMax - kHeldUsMin);
      break;
    case SPECIES_FLOODER:
      host.repeats = kFlooderReplies - 1;
      break;
    default:
      host.form = Form::no_result;
      break;
  }
  return host;
}

Host redirect_at(const world& world, std::uint32_t address) {
  Host host = host_at(world, address);
  take_form(host, address, Form::error, draw(world, address, 0));
  host.icmp_type = 5;
  host.icmp_code = 1;
  return host;
}

std::string_view species_name(unsigned species) {
  static constexpr std::array<std::string_view, WORLD_SPECIES_COUNT> kNames{
#define SPECIES_NAME(enumerator, name, share) name,
      WORLD_SPECIES(SPECIES_NAME)
#undef SPECIES_NAME
  };
  return kNames.at(species);
}

std::string_view classification(std::uint8_t icmp_type) {
  switch (icmp_type) {
    case 0:
      return "echoreply";
    case 3:
      return "unreach";
    case 4:
      return "sourcequench";
    case 5:
      return "redirect";
    case 11:
      return "timxceed";
    case 12:
      return "paramprob";
    default:
      return "other";
  }
}

}  // namespace echoscan::zoo
