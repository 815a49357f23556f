#include "targets/cloud_list.h"

#include <cstdint>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

namespace echoscan {
namespace {

using Json = nlohmann::json;

constexpr const char* kUnknownShape =
    "it is JSON, but no cloud's list: there is no array `prefixes` (Amazon, Google) or `values` "
    "(Microsoft) in it";

// The parser's messages quote what it read last, however long that is.
constexpr std::size_t kParserSentenceMax = 200;

// No key or value of a cloud's list is as long as this, and no element has so many prefixes: the
// parser keeps a token whole, however long it is.
constexpr std::size_t kTokenBytesMax = 64 << 10;
constexpr std::size_t kElementPrefixesMax = 250'000;

// Watches the length of tokens, as far as that takes: strings, and what stands between brackets,
// commas, colons and blanks.
class TokenLimit {
 public:
  // False when the token that the byte belongs to is too long.
  bool take(char c) {
    if (c == '\n') ++line_;
    if (is_string_) {
      is_string_ = is_escaped_ || c != '"';
      is_escaped_ = !is_escaped_ && c == '\\';
      return ++bytes_ <= kTokenBytesMax;
    }
    is_string_ = c == '"';
    const bool is_between = c <= ' ' || c == ',' || c == ':' || c == '[' || c == ']' || c == '{' ||
                            c == '}' || is_string_;
    bytes_ = is_between ? 0 : bytes_ + 1;
    return bytes_ <= kTokenBytesMax;
  }
  [[nodiscard]] bool is_exceeded() const { return bytes_ > kTokenBytesMax; }
  [[nodiscard]] std::uint64_t line() const { return line_; }

 private:
  std::uint64_t line_ = 1;
  std::size_t bytes_ = 0;
  bool is_string_ = false;
  bool is_escaped_ = false;
};

// An iterator over the bytes, as the parser wants it. It may not be copied, since moving one of two
// on takes the chunk from the other; the parser does not copy it.
class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  ByteIterator() = default;
  ByteIterator(ListBytes& bytes, TokenLimit& limit) : bytes_(&bytes), limit_(&limit) { fetch(); }
  reference operator*() const { return chunk_.front(); }
  ByteIterator& operator++() {
    if (!limit_->take(chunk_.front())) {
      chunk_ = {};  // to the parser that is the end
      return *this;
    }
    chunk_.remove_prefix(1);
    if (chunk_.empty()) fetch();
    return *this;
  }
  // Two are equal when both are at the end; the parser asks for nothing else.
  friend bool operator==(const ByteIterator& a, const ByteIterator& b) {
    return a.chunk_.empty() && b.chunk_.empty();
  }
  friend bool operator!=(const ByteIterator& a, const ByteIterator& b) { return !(a == b); }

 private:
  void fetch() { chunk_ = bytes_->next(); }

  ListBytes* bytes_ = nullptr;
  TokenLimit* limit_ = nullptr;
  std::string_view chunk_;
};

// What has been read of an element of `prefixes`, `ipv6_prefixes` or `values`: its keys come in any
// order.
struct Element {
  std::vector<std::string> prefixes;
  std::string place;    // region or scope
  std::string service;  // or Microsoft's name
  bool has_prefixes = false;

  void clear() {
    prefixes.clear();
    place.clear();
    service.clear();
    has_prefixes = false;
  }
  [[nodiscard]] std::string label() const {
    return place + (place.empty() || service.empty() ? "" : "/") + service;
  }
};

bool is_element_array(const std::string& key) {
  return key == "prefixes" || key == "ipv6_prefixes" || key == "values";
}

// Takes the parser's events. `path_` holds the brackets of the containers that are open: an
// element's own keys are at "{[{", Microsoft's prefixes at "{[{{[".
class CloudListReader : public nlohmann::json_sax<Json> {
 public:
  CloudListReader(std::string_view name, TargetList& list) : list_(list), place_{name} {}

  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_unsigned(number_unsigned_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }

  bool string(string_t& text) override {
    if (is_prefix_key()) {
      element_.has_prefixes = true;
      if (element_.prefixes.size() == kElementPrefixesMax) {
        place_.array = place_array_;
        failure = place_.element_text() + " has more than " + std::to_string(kElementPrefixesMax) +
                  " prefixes";
        return false;
      }
      element_.prefixes.push_back(std::move(text));
    } else if (path_ == kElementPath) {
      if (key_ == "region" || key_ == "scope") {
        element_.place = std::move(text);
      } else if (key_ == "service" || key_ == "name") {
        element_.service = std::move(text);
      }
    } else if (path_ == kArrayPath) {
      return other_value();
    }
    return true;
  }

  bool key(string_t& text) override {
    if (path_ == "{") place_array_ = text;
    if (path_ == kElementPath) key_ = text;
    if (path_ == kPropertiesPath) property_ = text;
    return true;
  }

  bool start_object(std::size_t) override { return open('{'); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 3, column 1: ..."
    const std::string_view text = error.what();
    const std::size_t end_of_tag = text.find("] ");
    failure = "its JSON is broken: ";
    failure += excerpt(text.substr(end_of_tag == std::string_view::npos ? 0 : end_of_tag + 2),
                       kParserSentenceMax);
    return false;
  }

  [[nodiscard]] bool is_cloud_list() const { return is_cloud_list_; }

  std::string failure;

 private:
  static constexpr const char* kArrayPath = "{[";
  static constexpr const char* kElementPath = "{[{";
  static constexpr const char* kPropertiesPath = "{[{{";
  static constexpr const char* kPrefixesPath = "{[{{[";
  static constexpr std::size_t kDepthMax = 64;

  [[nodiscard]] bool in_values() const { return place_array_ == "values"; }

  // Whether the keys that lead here say that the next value is a prefix.
  [[nodiscard]] bool is_prefix_key() const {
    if (in_values())
      return path_ == kPrefixesPath && key_ == "properties" && property_ == "addressPrefixes";
    return path_ == kElementPath && (key_ == "ip_prefix" || key_ == "ipv4Prefix" ||
                                     key_ == "ipv6Prefix" || key_ == "ipv6_prefix");
  }

  // A value that is not text is an error where a prefix or an element has to be.
  bool other_value() {
    if (!is_element_array(place_array_)) return true;
    place_.array = place_array_;
    if (is_prefix_key()) {
      element_.has_prefixes = true;
      list_.add_error(place_, "", "the prefix is no text");
    } else if (path_ == kArrayPath) {
      list_.add_error(place_, "", "this is no object");
      ++place_.element;
    }
    return true;
  }

  bool open(char container) {
    if (is_prefix_key() || (path_ == kArrayPath && container == '[')) other_value();
    // An empty list of prefixes counts as one.
    path_ += container;
    if (path_.size() > kDepthMax) {
      failure = "its JSON is nested deeper than " + std::to_string(kDepthMax) + " levels";
      return false;
    }
    if (is_prefix_key()) element_.has_prefixes = true;
    if (path_ == kArrayPath && is_element_array(place_array_)) {
      is_cloud_list_ = true;
      place_.element = 0;
    }
    if (path_ == kElementPath) {
      element_.clear();
      key_.clear();
    }
    if (path_ == kPropertiesPath) property_.clear();
    return true;
  }

  bool close() {
    if (path_ == kElementPath && is_element_array(place_array_)) finish_element();
    path_.pop_back();
    return !list_.labels.is_overfull();
  }

  void finish_element() {
    place_.array = place_array_;
    if (!element_.has_prefixes)
      list_.add_error(place_, "",
                      in_values() ? "there is no properties.addressPrefixes in it"
                                  : "there is no ip_prefix, ipv4Prefix or ipv6Prefix in it");
    const std::string label = element_.label();
    for (const std::string& prefix : element_.prefixes) {
      if (prefix.find(':') != std::string::npos) {
        ++list_.ipv6_count;
      } else {
        list_.add(prefix, label, place_);
      }
    }
    ++place_.element;
  }

  TargetList& list_;
  ListPlace place_;
  std::string path_;
  std::string place_array_;  // the key of the outermost object that is open
  std::string key_;          // of the element
  std::string property_;     // of the element's `properties`
  Element element_;
  bool is_cloud_list_ = false;
};

}  // namespace

tl::expected<void, std::string> read_cloud_list(ListBytes& bytes, std::string_view name,
                                                TargetList& list) {
  CloudListReader reader(name, list);
  TokenLimit limit;
  bool is_good = false;
  try {
    is_good = Json::sax_parse(ByteIterator(bytes, limit), ByteIterator(), &reader);
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected("there is no memory for what is in it from line " +
                               std::to_string(limit.line()) + " on");
  }
  if (limit.is_exceeded())
    return tl::make_unexpected("its JSON has a string or a number of more than " +
                               std::to_string(kTokenBytesMax) + " bytes, in line " +
                               std::to_string(limit.line()));
  if (!bytes.failure().empty()) return tl::make_unexpected(bytes.failure());
  if (list.labels.is_overfull())
    return tl::make_unexpected(list.labels.overfull_error(limit.line()));
  if (!is_good) return tl::make_unexpected(reader.failure);
  if (!reader.is_cloud_list()) return tl::make_unexpected(kUnknownShape);
  return {};
}

}  // namespace echoscan
