// Opening what -o names: a file under a provisional name, a log to append to, or whatever else a
// path can be.
//
// A regular file is written as NAME.part and gets its name when it is complete, so that whoever
// sees NAME sees all of it, and an earlier NAME stays until then. Complete means that every result
// that was received is in it; that is so after SIGINT too, when the summary says how far the scan
// came, but then an earlier NAME that holds something stays as well, and NAME.part beside it. After
// SIGKILL or on a full disk NAME.part stays. Devices, FIFOs and /dev/stdout have no name to give,
// and are written directly. A name that ends in .zst or .gz is compressed (compressed_sink.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "output/sink/byte_sink.h"

namespace echoscan {

enum class OutputMode {
  replace,   // the file is new when it is complete
  append,    // the file goes on where it ends; never provisional
  document,  // as replace, and a part of it is of no use and not left behind
  secret,    // as document, and for its owner's eyes alone: mode 0600, whatever was there before
  resume,    // as replace, behind what an earlier leg of the scan has left
};

// Lets some milliseconds pass; may throw, which ends the opening.
using Pause = std::function<void()>;
void pause_20_ms();

// Opens `path`; "-" is standard output. The error is a sentence without a full stop: "cannot write
// to 'x': Permission denied". A FIFO without a reader is waited for: `pause` is called until there
// is one.
tl::expected<std::unique_ptr<ByteSink>, std::string> open_output(const std::string& path,
                                                                 OutputMode mode,
                                                                 const Pause& pause = pause_20_ms);

// Lets the file at `path` hold `text` and nothing else, at once: a kill or a loss of power at any
// moment leaves what it had or what it gets. `mode` is document or secret, of which no symbolic
// link is followed. After a loss of power it may have the old text, unless it `is_lasting`, which
// synchronises the folder, too. Why that could not be done, a sentence without a full stop; empty:
// it could.
std::string replace_file(const std::string& path, const std::string& text, OutputMode mode,
                         bool is_lasting = false);

}  // namespace echoscan
