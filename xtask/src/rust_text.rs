//! Rust source parted into code, comments and literals, as far as the checks of tidy need it.
//!
//! # Why
//! A plain search finds `fn` in a string and a brace in a comment. A real parser would be the
//! heaviest dependency of xtask, for three questions: how long is each function, where do the tests
//! begin, what do the comments say. So this is a lexer of comments and literals, and nothing more.
//!
//! # Invariants
//! - Both masks are as long as the text and have their line ends at the same bytes; what does not
//!   belong to a mask is a space there.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// The line of the word `fn`, counted from one.
    pub(crate) line: usize,
    /// Lines strictly between the body's braces.
    pub(crate) body_lines: usize,
    /// Whether an attribute above it names the lint `too_many_lines`.
    pub(crate) may_be_long: bool,
}

/// The two masks of a Rust file.
#[derive(Debug)]
pub(crate) struct RustText {
    code: String,
    comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl RustText {
    pub(crate) fn parse(text: &str) -> Self {
        let mut code = String::with_capacity(text.len());
        let mut comments = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let (kind, length) = next_piece(rest);
            // A piece that a broken literal would end inside a character takes the whole rest.
            let (piece, tail) = rest.split_at_checked(length.max(1)).unwrap_or((rest, ""));
            push(&mut code, piece, kind == Kind::Code);
            push(&mut comments, piece, kind == Kind::Comment);
            rest = tail;
        }
        Self { code, comments }
    }

    /// The text without comments and literals.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The comments alone, with their slashes.
    pub(crate) fn comments(&self) -> &str {
        &self.comments
    }

    /// The line of a byte, counted from one.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        1 + self.code.bytes().take(byte).filter(|&b| b == b'\n').count()
    }

    /// The line on which the first inline test module begins with its `#[cfg(test)]`.
    pub(crate) fn first_test_line(&self) -> Option<usize> {
        let starts = ["#[cfg(test)]", "#[cfg(all(test"];
        starts
            .iter()
            .flat_map(|start| self.code.match_indices(start))
            .filter(|&(at, _)| self.is_inline_module(at))
            .map(|(at, _)| self.line_of(at))
            .min()
    }

    /// Whether the attribute at `at`, after any more attributes, stands on a `mod name {`.
    fn is_inline_module(&self, mut at: usize) -> bool {
        loop {
            let Some(rest) = self.code.get(at..) else {
                return false;
            };
            let skipped = rest.len() - rest.trim_start().len();
            let item = rest.trim_start();
            if !item.starts_with("#[") {
                let is_module = item.starts_with("mod ") || item.starts_with("pub mod ");
                let end = item.find(['{', ';']).and_then(|end| item.get(end..));
                return is_module && end.is_some_and(|end| end.starts_with('{'));
            }
            match self.closing(at + skipped + 1) {
                Some(end) => at = end + 1,
                None => return false,
            }
        }
    }

    /// All functions that have a body, in the order of the text.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        self.code.match_indices("fn ").filter_map(|(at, _)| self.function_at(at)).collect()
    }

    fn function_at(&self, at: usize) -> Option<Function<'_>> {
        let (before, from) = self.code.split_at_checked(at)?;
        if before.ends_with(is_word) {
            return None;
        }
        let after = from.strip_prefix("fn ")?.trim_start();
        let name = after.split(|c| !is_word(c)).next().filter(|name| !name.is_empty())?;
        let open = self.body_start(at)?;
        let close = self.closing(open)?;
        // The attributes of a function stand between it and the end of the item before.
        let attributes = before.rsplit(['{', '}', ';']).next().unwrap_or_default();
        Some(Function {
            name,
            line: self.line_of(at),
            body_lines: (self.line_of(close) - self.line_of(open)).saturating_sub(1),
            may_be_long: attributes.contains("too_many_lines"),
        })
    }

    /// The brace that opens the body of the function at `at`; none for a declaration.
    fn body_start(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (offset, byte) in self.code.bytes().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                b'{' if depth == 0 => return Some(offset),
                b';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The bracket that closes the one at `open`.
    pub(crate) fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (offset, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(offset);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn push(mask: &mut String, piece: &str, keep: bool) {
    if keep {
        mask.push_str(piece);
    } else {
        mask.extend(piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The kind and length in bytes of the piece that `rest` begins with.
fn next_piece(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if rest.starts_with('"') {
        return (Kind::Literal, quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        let mut chars = rest.chars().skip(1);
        return match (chars.next(), chars.next()) {
            (Some('\\'), _) => (Kind::Literal, quoted(rest, '\'')),
            (Some(c), Some('\'')) => (Kind::Literal, 2 + c.len_utf8()),
            _ => (Kind::Code, 1), // a lifetime
        };
    }
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    if word == 0 {
        return (Kind::Code, rest.chars().next().map_or(1, char::len_utf8));
    }
    match rest.split_at_checked(word) {
        Some(("r" | "br" | "cr", tail)) => match raw_string(tail) {
            Some(length) => (Kind::Literal, word + length),
            None => (Kind::Code, word),
        },
        _ => (Kind::Code, word),
    }
}

/// The length of a block comment, comments inside it included.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            match tail.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    rest.len()
}

/// The length of a literal with escapes, from its opening to its closing `quote`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of `#*"..."#*` after the `r` of a raw string; none when it is a raw identifier.
fn raw_string(tail: &str) -> Option<usize> {
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let body = tail.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(match body.find(&end) {
        Some(at) => hashes + 1 + at + end.len(),
        None => tail.len(),
    })
}

#[cfg(test)]
mod tests;
