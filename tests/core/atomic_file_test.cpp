#include "core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/expect_error.h"
#include "core/temp_dir.h"

namespace reasonbrain {
namespace {
namespace fs = std::filesystem;

size_t num_entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(AtomicFile, WritesReplacesAndReads) {
  const TempDir dir;
  const fs::path path = dir / "a/b/file.bin";  // parents are created
  const std::string bytes("x\0y", 3);
  write_file_atomic(path, "old");
  write_file_atomic(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
  EXPECT_EQ(num_entries(path.parent_path()), 1u);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TempDir dir;
  dir.write("file", "old");
  {
    AtomicFile file(dir / "file");
    file.write("new", 3);
  }
  EXPECT_EQ(slurp(dir / "file"), "old");
  EXPECT_EQ(num_entries(dir.path()), 1u);
}

TEST(AtomicFile, NamesTheReasonWhenTheDestinationCannotBeWritten) {
  const TempDir dir;
  dir.write("plain", "text");
  fs::create_directory(dir / "folder");
  EXPECT_ERROR(write_file_atomic(dir / "plain/below", "x"), kRuntime, "Not a directory");
  EXPECT_ERROR(write_file_atomic(dir / "folder", "x"), kRuntime, "it is a folder");
  EXPECT_ERROR(write_file_atomic("/proc/none/file", "x"), kRuntime, "cannot write");
  EXPECT_EQ(slurp(dir / "plain"), "text");
}

// A limit on the size of files stands for a full disk: write() fails half-way in both cases.
TEST(AtomicFile, KeepsTheOldFileWhenSpaceRunsOut) {
  const TempDir dir;
  dir.write("file", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_ERROR(write_file_atomic(dir / "file", std::string(1 << 18, 'x')), kRuntime,
               "File too large");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(slurp(dir / "file"), "old");
  EXPECT_EQ(num_entries(dir.path()), 1u);
}

TEST(ReadFile, RefusesWhatIsNoReadableFile) {
  const TempDir dir;
  EXPECT_ERROR(read_file(dir / "absent"), kData, "No such file");
  EXPECT_ERROR(read_file(dir.path()), kData, "it is a folder");
  EXPECT_ERROR(read_file("/dev/zero"), kData, "not a regular file");
  EXPECT_ERROR(read_file(dir.write("big", "12345"), /*max_bytes=*/4), kData, "at most 4");
}

TEST(AtomicFolder, AppearsOnCommitOnly) {
  const TempDir dir;
  {
    AtomicFolder folder(dir / "out/step-1/");
    write_file_atomic(folder.path() / "weights", "w");
    EXPECT_FALSE(fs::exists(dir / "out/step-1"));
    folder.commit();
  }
  EXPECT_EQ(slurp(dir / "out/step-1/weights"), "w");
  EXPECT_EQ(num_entries(dir / "out"), 1u);
}

TEST(AtomicFolder, RemovesItselfWithoutCommit) {
  const TempDir dir;
  {
    const AtomicFolder folder(dir / "out");
    write_file_atomic(folder.path() / "weights", "w");
  }
  EXPECT_EQ(num_entries(dir.path()), 0u);
}

TEST(AtomicFolder, ReplacesOnlyWhenTold) {
  const TempDir dir;
  dir.write("out/old", "1");
  {
    AtomicFolder folder(dir / "out");
    EXPECT_ERROR(folder.commit(), kRuntime, "exists already");
  }
  EXPECT_EQ(slurp(dir / "out/old"), "1");
  {
    AtomicFolder folder(dir / "out");
    write_file_atomic(folder.path() / "new", "2");
    folder.commit(/*replace=*/true);
  }
  EXPECT_FALSE(fs::exists(dir / "out/old"));
  EXPECT_EQ(slurp(dir / "out/new"), "2");
  EXPECT_EQ(num_entries(dir.path()), 1u);
}

TEST(AtomicFile, WritesThroughALinkAndRefusesWhatIsNoFile) {
  const TempDir dir;
  dir.write("disk/a", "1");
  fs::create_symlink(dir / "disk/a", dir / "link");
  write_file_atomic(dir / "link", "2");
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  EXPECT_EQ(slurp(dir / "disk/a"), "2");
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(AtomicFile(dir / "pipe"), kRuntime, "it is not a regular file");
  EXPECT_TRUE(fs::is_fifo(dir / "pipe"));
}

TEST(AtomicFolder, ALinkStaysOne) {
  const TempDir dir;
  fs::create_directories(dir / "disk/out");
  fs::create_directory_symlink(dir / "disk/out", dir / "link");
  fs::create_directory_symlink("disk/out", dir / "second");
  fs::create_directory_symlink("second", dir / "third");
  for (const char* name : {"link", "link/", "third"}) {
    AtomicFolder folder(dir.path() / name);
    write_file_atomic(folder.path() / "new", name);
    folder.commit(/*replace=*/true);
    EXPECT_TRUE(fs::is_symlink(dir / "link") && fs::is_symlink(dir / "third"));
    EXPECT_EQ(slurp(dir / "disk/out/new"), name);
    if (name != std::string("link")) continue;
    fs::remove_all(dir / "disk/out");  // the links lead nowhere, for a while
  }
  fs::create_symlink("circle", dir / "circle");
  EXPECT_ERROR(AtomicFolder(dir / "circle"), kRuntime, "lead in a circle");
  EXPECT_EQ(num_entries(dir / "disk"), 1u);
}

TEST(AtomicFolder, RefusesAFilledMountPointBeforeTheWork) {
  EXPECT_ERROR(AtomicFolder("/proc"), kRuntime, "name a new folder inside it");
}

// Nobody, for root may write everywhere.
void fill_as_nobody(const fs::path& out) {
  if (::geteuid() == 0 && ::setuid(65534) != 0) std::_Exit(2);
  {
    AtomicFolder folder(out);
    write_file_atomic(folder.path() / "deep/weights", "w");
    folder.commit(/*replace=*/true);
  }
  std::_Exit(0);
}

TEST(AtomicFolder, IsBuiltInsideAnEmptyFolderThatCannotBeRenamed) {
  const TempDir dir;
  const fs::path fixed = dir / "fixed", out = fixed / "out";
  fs::create_directories(out);
  const auto readable = fs::perms::owner_read | fs::perms::owner_exec | fs::perms::group_read |
                        fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(dir.path(), fs::perms::owner_all | readable);
  fs::permissions(out, fs::perms::all);
  fs::permissions(fixed, readable);
  testing::FLAGS_gtest_death_test_style = "fast";  // the child works in this test's folder
  EXPECT_EXIT(fill_as_nobody(out), testing::ExitedWithCode(0), "");
  fs::permissions(fixed, fs::perms::owner_all);
  EXPECT_EQ(slurp(out / "deep/weights"), "w");
  EXPECT_EQ(num_entries(out), 1u);
}

}  // namespace
}  // namespace reasonbrain
