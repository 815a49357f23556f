// The file of a scan's checkpoint: RESULTS.scan, beside the results.
//
// It is replaced as a whole (output/sink/output_file.h), so that a kill or a loss of power at any
// moment leaves the old one or the new one. It holds the key that proves replies, and names files
// that a privileged scan will open: mode 0600, and read only when it is this process's user's, or
// of the user that the scan is for. Rejected: writing in place, and a database, which would be a
// file format more.
#pragma once

#include <sys/types.h>

#include <string>
#include <tl/expected.hpp>

#include "scanner/checkpoint/checkpoint.h"

namespace echoscan {

// The checkpoint's path for the results at `results`.
std::string checkpoint_path(const std::string& results);
// The path of the marks of errors (answer_marks.h) beside them.
std::string answer_marks_path(const std::string& results);
// The same of what lines leave unsaid (line_marks.h).
std::string line_marks_path(const std::string& results);

// Writes the checkpoint of the results that it names. With `is_lasting` the folder is synchronised,
// too. Why it could not be written, a sentence without a full stop; empty: it could.
std::string write_checkpoint(const Checkpoint& checkpoint, bool is_lasting);
// Removes it.
void remove_checkpoint(const std::string& results);
// Whether something stands under the checkpoint's name that no scan has written, of which nothing
// may be lost.
bool is_foreign(const std::string& results);
// Reads the checkpoint of the results at `results`, which has to be this process's user's or
// `owner`'s. The error is a sentence without a full stop.
tl::expected<Checkpoint, std::string> load_checkpoint(const std::string& results, uid_t owner);

// Whether the checkpoint there is that of a scan that has finished (--continue leaves it).
bool is_finished(const std::string& results);

// Another one each time that the machine starts; empty where the kernel does not say.
std::string boot_id();

}  // namespace echoscan
