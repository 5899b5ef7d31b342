//! A program with crates in it.

#[derive(serde::Serialize)]
struct Number {
    text: String,
}

fn main() {
    let text = itoa::Buffer::new().format(7).to_owned();
    println!("{}", serde_json::to_string(&Number { text }).unwrap_or_default());
}
