"""What the studio's and the listening test's pages have in common.

guard    who may ask: hosts, origins, sizes, and the headers of every answer
answers  the page's files, and mistakes in words
serving  an address on this machine, and the server behind it
"""
