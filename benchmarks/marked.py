"""What stands between the marks of a page of docs/, which a script writes."""


def replaced(page: str, name: str, content: str, script: str) -> str:
    """The page with the content between `<!-- NAME: by benchmarks/SCRIPT -->` and `<!-- NAME: end -->`."""
    begin, end = (f"<!-- {name}: {word} -->" for word in (f"by benchmarks/{script}", "end"))
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"
